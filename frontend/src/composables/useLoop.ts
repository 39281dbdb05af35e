/** The improvement loop's state, polled; every page that shows it shares one request. */
import { useQuery } from "@tanstack/vue-query";
import { loop } from "@/api/endpoints";

export const LOOP_KEY = ["loop"] as const;

export function useLoop(everyMs = 5_000) {
  return useQuery({ queryKey: LOOP_KEY, queryFn: loop.read, refetchInterval: everyMs, staleTime: 1_000 });
}
