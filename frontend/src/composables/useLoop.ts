/** The improvement loop's state, polled; every page that shows it shares one request. */
import { useQuery, useQueryClient } from "@tanstack/vue-query";
import { onScopeDispose, watch, type Ref } from "vue";
import { loop } from "@/api/endpoints";

export const LOOP_KEY = ["loop"] as const;
const AFTER_SAVE_MS = 800;

export function useLoop(everyMs = 5_000) {
  return useQuery({ queryKey: LOOP_KEY, queryFn: loop.read, refetchInterval: everyMs, staleTime: 1_000 });
}

/** Reads the loop soon after `saved` changes, so that the counter follows the person; at most about once a second. */
export function useLoopRefresh(saved: Ref<unknown>): void {
  const queries = useQueryClient();
  let timer: ReturnType<typeof setTimeout> | undefined;
  watch(saved, () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      void queries.invalidateQueries({ queryKey: LOOP_KEY });
    }, AFTER_SAVE_MS);
  });
  onScopeDispose(() => clearTimeout(timer));
}
