/** Shares with what they may really be, in words: "between 91 and 97 %". */
import { useI18n } from "vue-i18n";
import type { Interval } from "@/api/types";
import { useFormat } from "./useFormat";

export function useShares() {
  const { t } = useI18n();
  const { number, percent } = useFormat();

  /** "" where nothing was counted. */
  function between(interval: Interval | undefined): string {
    if (!interval) return "";
    const [low, high] = [Math.round((interval[0] ?? 0) * 100), Math.round((interval[1] ?? 1) * 100)];
    return low === high ? t("dashboard.about", { value: percent(low / 100) }) : t("dashboard.between", { low: number(low), high: percent(high / 100) });
  }
  /** 0.953 → "95 %", with one decimal where a whole point would hide what counts; "—" where not measured. */
  const share = (value: number | null | undefined): string => (value === null || value === undefined ? "—" : percent(value, value > 0.985 && value < 1 ? 1 : 0));
  const countBetween = (interval: Interval, digits = 0): string =>
    interval ? t("dashboard.between", { low: number(interval[0] ?? 0, digits), high: number(interval[1] ?? 0, digits) }) : "";

  return { between, share, countBetween };
}
