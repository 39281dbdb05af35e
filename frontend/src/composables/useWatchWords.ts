/** What a watch over production saw and did, in sentences. */
import { useI18n } from "vue-i18n";
import type { Watch, WatchFound } from "@/api/types";
import { useFormat } from "./useFormat";

const SHARES = ["promised", "most"];

export function useWatchWords() {
  const { t, te } = useI18n();
  const { number, percent } = useFormat();

  /** "" for a code without words, so that the reason that is kept beside it is shown instead. */
  function found(one: WatchFound): string {
    const key = `observation.watch.found.${one.code}`;
    const figures = Object.fromEntries(Object.entries(one.params).map(([name, value]) => [name, SHARES.includes(name) ? percent(Number(value)) : number(Number(value))]));
    return te(key) ? t(key, figures) : "";
  }
  function did(one: Watch): string {
    const people = one.state === "rolled_back" && one.back_to === null;
    return t(`observation.watch.did.${one.state}${people ? "_people" : ""}`, { n: one.version, back: one.back_to ?? "" });
  }
  return { found, did };
}
