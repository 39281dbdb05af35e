/** Uncertainty and outlier scores in words before they are figures. Display only: nothing is decided on these limits. */
import { useI18n } from "vue-i18n";
import { useFormat } from "./useFormat";

export type UncertaintyWord = "clear" | "doubt" | "torn";
export type OutlierWord = "ordinary" | "unusual" | "unlike";

/** `value` is 1 - (first - second probability). */
export function uncertaintyWord(value: number): UncertaintyWord {
  return value >= 0.75 ? "torn" : value >= 0.35 ? "doubt" : "clear";
}

/** `value` is the share of all tickets that are more ordinary. */
export function outlierWord(value: number): OutlierWord {
  return value >= 0.97 ? "unlike" : value >= 0.85 ? "unusual" : "ordinary";
}

export function useScoreWords() {
  const { t } = useI18n();
  const { percent } = useFormat();
  const uncertainty = (value: number) => t(`tickets.uncertainty.${uncertaintyWord(value)}`);
  const outlier = (value: number) => t(`tickets.outlier.${outlierWord(value)}`);
  const outlierShare = (value: number) => t("tickets.outlier.share", { share: percent(Math.min(value, 0.999), value > 0.99 ? 1 : 0) });
  return { uncertainty, outlier, outlierShare };
}
