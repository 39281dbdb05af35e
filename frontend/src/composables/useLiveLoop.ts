/** The loop for its own page: read every two seconds while something is at work, else every ten. */
import { useQuery } from "@tanstack/vue-query";
import { loop } from "@/api/endpoints";
import type { Loop } from "@/api/types";
import { LOOP_KEY } from "./useLoop";

export const BUSY_MS = 2_000;
export const CALM_MS = 10_000;

export function isAtWork(now: Loop): boolean {
  return now.run !== null || now.active !== null || (now.learner?.behind ?? 0) > 0;
}

export const loopPace = (now: Loop | undefined): number => (now && isAtWork(now) ? BUSY_MS : CALM_MS);

export function useLiveLoop() {
  return useQuery({
    queryKey: LOOP_KEY,
    queryFn: loop.read,
    staleTime: 1_000,
    refetchInterval: (query) => loopPace(query.state.data),
  });
}
