/** A training run in words: its state, why it started, how long it took. */
import { useI18n } from "vue-i18n";
import type { Run, RunState } from "@/api/types";
import { useFormat } from "./useFormat";

export const LIVE: RunState[] = ["planned", "submitting", "running", "stopping"];
export const isLive = (run: Pick<Run, "state">): boolean => LIVE.includes(run.state);

/** Seconds from the start to the end, or to now while it runs; null before it started. */
export function secondsOf(run: Pick<Run, "started_at" | "ended_at">, now = Date.now()): number | null {
  if (!run.started_at) return null;
  const end = run.ended_at ? Date.parse(run.ended_at) : now;
  return Math.max(0, (end - Date.parse(run.started_at)) / 1000);
}

export type Tone = "neutral" | "accent" | "good" | "amber" | "alarm";
export function toneOf(state: RunState): Tone {
  if (LIVE.includes(state)) return "accent";
  return state === "succeeded" ? "good" : state === "stopped" ? "neutral" : "alarm";
}

export function useRunWords() {
  const { t, te } = useI18n();
  const { number, duration } = useFormat();

  function reason(run: Run): string {
    const { code, params } = run.reason;
    if (code === "asked_for") return run.requested_by ? t("runs.reason.asked_for", { who: run.requested_by }) : t("runs.reason.asked_for_nobody");
    if (code === "enough_labels" && typeof params.new === "number") return t("runs.reason.enough_labels_n", { n: number(params.new) });
    return te(`runs.reason.${code}`) ? t(`runs.reason.${code}`) : t("runs.reason.other", { code });
  }

  const took = (run: Run): string => {
    const seconds = secondsOf(run);
    return seconds === null ? "—" : duration(Math.round(seconds));
  };

  const todo = (code: string): string => t(te(`runs.failure.do.${code}`) ? `runs.failure.do.${code}` : "runs.failure.do.other");

  /** Where its job stands by the place's own word; a word nobody has translated is shown as it is. */
  const place = (run: Pick<Run, "sub_state">): string => (te(`runs.sub.${run.sub_state}`) ? t(`runs.sub.${run.sub_state}`) : run.sub_state);

  return { reason, took, todo, place };
}
