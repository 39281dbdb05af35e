/** The advisor's verdict in words: one sentence, and what it says of a training. Shares become points: 0.004 is 0.4 points. */
import { useI18n } from "vue-i18n";
import type { Advice } from "@/api/types";
import { useFormat } from "./useFormat";
import { useServiceCodes } from "./useServiceCodes";

const NAMED = 3;

export function usePoints() {
  const { t, locale } = useI18n();
  const { number } = useFormat();
  /** 0.004 → "0.4 points". English has one point only at exactly one, French below two. */
  return (share: number): string => {
    const value = Math.round(share * 1000) / 10;
    const one = locale.value === "fr" ? Math.abs(value) < 2 : value === 1;
    return t("advice.points", { n: number(value, 1) }, one ? 1 : 2);
  };
}

/** Half the width of the 95 % interval of an accuracy seen on n control tickets. */
export function halfWidth(accuracy: number, n: number): number {
  const share = (accuracy * n + 2) / (n + 4); // Agresti and Coull: never 0, also where all were right
  return 1.96 * Math.sqrt((share * (1 - share)) / (n + 4));
}

export function useAdviceWords() {
  const { t } = useI18n();
  const { number } = useFormat();
  const { nameOfCode } = useServiceCodes();
  const points = usePoints();

  /** The verdict. */
  function sentence({ code, figures }: Advice): string {
    const step = number(figures.step);
    const told = { step, gain: figures.gain ? points(figures.gain.value) : "", noise: points(figures.noise ?? 0) };
    if (code === "stop") return t("advice.stop", told);
    if (code === "ask_for_tickets") {
      const services = figures.scarce.slice(0, NAMED).map(nameOfCode).join(", ");
      const more = figures.scarce.length > NAMED ? ", …" : "";
      return services ? t("advice.ask_for_tickets_of", { services: services + more }) : t("advice.ask_for_tickets");
    }
    if (figures.is_stable && figures.controls_missing > 0)
      return t("advice.label_on_stable", { n: number(figures.controls_missing) }, figures.controls_missing);
    return figures.gain ? t("advice.label_on", told) : t("advice.label_on_known_later", { step });
  }

  /** What is missing to say more; empty when nothing is. */
  function missing({ code, figures }: Advice): string {
    const { controls_missing: controls, rounds_missing: rounds } = figures;
    if (code === "label_on" && figures.is_stable && controls > 0) return ""; // the verdict says it
    if (controls > 0) return t("advice.controls_missing", { n: number(controls) }, controls);
    return rounds > 0 ? t("advice.rounds_missing", { n: number(rounds) }, rounds) : "";
  }

  /** What a training now would gain; empty while that is not known. */
  function training({ figures, vetoes_training: vetoed }: Advice): string {
    const worth = figures.training;
    if (!worth || worth.new === 0) return "";
    const told = { gain: points(worth.gain), noise: points(worth.noise), version: worth.version, new: number(worth.new) };
    if (!vetoed) return worth.gain >= worth.noise ? t("advice.training_worth", told) : "";
    if (!worth.worth_from) return t("advice.training", told);
    return t("advice.training_from", { ...told, n: number(worth.worth_from) });
  }

  return { sentence, missing, training, points };
}
