/**
 * A text and what the house says about it. While the model is starting the question repeats by itself.
 *
 * The text may hold personal data: it is kept in this tab's memory only, for the person who wrote it, so that
 * coming back from a neighbour's page finds it again.
 */
import { keepPreviousData, useQuery } from "@tanstack/vue-query";
import { computed, ref, watch } from "vue";
import { trial } from "@/api/endpoints";
import type { TryResult } from "@/api/types";
import { useSession } from "@/stores/session";

export const MOST_CHARACTERS = 100_000;
const AGAIN_MS: Partial<Record<TryResult["state"], number>> = { starting: 2_000, no_model: 10_000 };

export const againAfter = (result: TryResult | undefined): number | false => (result && AGAIN_MS[result.state]) ?? false;

let kept = { user: 0, text: "", asked: "", times: 0 };

export function useTrial() {
  const user = useSession().user?.id ?? 0;
  if (kept.user !== user) kept = { user, text: "", asked: "", times: 0 };
  const text = ref(kept.text);
  const asked = ref({ text: kept.asked, times: kept.times });
  watch([text, asked], () => (kept = { user, text: text.value, asked: asked.value.text, times: asked.value.times }));

  const query = useQuery({
    queryKey: ["try", asked],
    queryFn: ({ signal }) => trial.ask(asked.value.text, signal),
    enabled: computed(() => asked.value.text !== ""),
    placeholderData: keepPreviousData,
    refetchInterval: (one) => (one.state.error ? false : againAfter(one.state.data)),
    refetchOnWindowFocus: false,
    retry: false,
    staleTime: Infinity,
    gcTime: 0,
  });
  const length = computed(() => text.value.length);
  const tooLong = computed(() => length.value > MOST_CHARACTERS);
  const mayAsk = computed(() => text.value.trim() !== "" && !tooLong.value);
  /** An answer to another text than the one that is being read. */
  const stale = computed(() => query.isPlaceholderData.value || (query.isFetching.value && query.data.value?.state === "ready"));

  function ask(): void {
    if (mayAsk.value) asked.value = { text: text.value, times: asked.value.times + 1 };
  }
  function take(example: string): void {
    text.value = example;
    ask();
  }
  function clear(): void {
    text.value = "";
    asked.value = { text: "", times: 0 };
  }
  return { text, asked, query, length, tooLong, mayAsk, stale, ask, take, clear };
}
