/**
 * Sentences for the codes of the loop and of the retrain policy (`loop.next.<code>`).
 *
 * The server sends a code and figures; here they become words in the person's language and time zone.
 */
import { useI18n } from "vue-i18n";
import type { LoopBox, Params } from "@/api/types";
import { usePoints } from "./useAdviceWords";
import { useFormat } from "./useFormat";

/** How many the sentence is about, so that it can say "1 label" and "2 labels". */
export function countOf(code: string, params: Params): number {
  if (code === "counting") return Math.max(0, Number(params.needed ?? 0) - Number(params.new ?? 0));
  return Number(params.missing ?? params.failures ?? params.n ?? 1);
}

export function useLoopWords() {
  const { t, te } = useI18n();
  const { number, percent, dateTime } = useFormat();
  const points = usePoints();

  function shown(name: string, value: unknown): unknown {
    if (name === "accuracy") return typeof value === "number" ? percent(value) : "?";
    if (name === "until") return dateTime(String(value));
    if (name === "gain" || name === "noise") return points(Number(value));
    return typeof value === "number" ? number(value) : value;
  }

  /** One sentence; a code without words of its own is named, so that it can be reported. */
  function words(code: string, params: Params): string {
    if (code === "run_failed") return failed(params);
    if (!te(`loop.next.${code}`)) return t("loop.next.other", { code });
    const count = countOf(code, params);
    const named = Object.fromEntries(Object.entries(params).map(([name, value]) => [name, shown(name, value)]));
    if ("advice" in params) named.advice = advice(String(params.advice), named);
    return t(`loop.next.${code}`, { ...named, count: number(count) }, count);
  }

  /** Advice against a training, with its figures; without words of its own it is named. */
  function advice(code: string, named: Params): string {
    if (!te(`loop.advice.${code}`) || !("gain" in named)) return t("loop.advice.other", { code });
    return t(`loop.advice.${code}${"worth_from" in named ? "_from" : ""}`, named);
  }

  function failed(params: Params): string {
    const reason = String(params.reason ?? "").trim();
    return reason ? t("loop.next.run_failed", { reason }) : t("loop.next.run_failed_silent");
  }

  const phase = (name: string, state: string) =>
    te(`loop.phase.${name}`) ? t(`loop.phase.${name}`) : te(`loop.phase.${state}`) ? t(`loop.phase.${state}`) : name || state;

  /** The words under a box's bar. */
  function caption(box: LoopBox): string {
    if (!box.progress) return "";
    const { done, total, unit } = box.progress;
    if (unit !== "percent") return t(`loop.caption.${unit}`, { done: number(done), total: number(total) });
    const at = box.next?.params ?? {};
    return t("loop.caption.percent", { phase: phase(String(at.phase ?? ""), String(at.state ?? "")), share: percent(done / total) });
  }

  return { words, caption, phase };
}
