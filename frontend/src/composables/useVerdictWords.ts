/** A verdict and its reasons in words, with their figures. */
import { useI18n } from "vue-i18n";
import type { Verdict, VerdictReason } from "@/api/types";
import { useFormat } from "./useFormat";

/** How a figure of a reason is written: a share, minutes with their sign, or a count. */
const SHARES = ["certified", "target", "difference"];
const COUNTS = ["judged", "most"];

export function useVerdictWords() {
  const { t } = useI18n();
  const { number, percent } = useFormat();
  const signed = (text: string, value: number) => (value > 0 ? `+${text}` : text);

  function figure(code: string, name: string, value: unknown): string {
    if (typeof value !== "number") return t("observation.unknown");
    const isShare = SHARES.includes(name) || code.startsWith("coverage");
    if (COUNTS.includes(name)) return number(value);
    if (name === "margin") return isShare ? percent(value) : number(value, 2);
    if (isShare) return name === "difference" || name === "low" || name === "high" ? signed(percent(value, 1), value) : percent(value);
    return signed(number(value, 2), value);
  }
  function reason(one: VerdictReason): string {
    const params = Object.fromEntries(Object.entries(one.params).map(([name, value]) => [name, figure(one.code, name, value)]));
    return t(`observation.reason.${one.code}`, params);
  }
  function sentence(verdict: Verdict | null): string {
    if (!verdict) return t("observation.verdict.none");
    if (verdict.state !== "undecided") return t(`observation.verdict.${verdict.state}`);
    return verdict.more === null
      ? t("observation.verdict.undecided")
      : t("observation.verdict.more", { n: number(verdict.more) }, verdict.more);
  }
  return { sentence, reason };
}
