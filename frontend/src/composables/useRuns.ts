/** The list of trainings, a page at a time, and one training; read often while one is at work. */
import { useInfiniteQuery, useQuery } from "@tanstack/vue-query";
import { computed, type Ref } from "vue";
import { training } from "@/api/endpoints";
import { isLive } from "./useRunWords";
import { runKey, RUNS_KEY } from "./useTraining";

export function useRuns() {
  const query = useInfiniteQuery({
    queryKey: RUNS_KEY,
    queryFn: ({ pageParam }) => training.runs(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
    refetchInterval: (now) => (now.state.data?.pages[0]?.results.some(isLive) ? 2_000 : 10_000),
  });
  const runs = computed(() => query.data.value?.pages.flatMap((page) => page.results) ?? []);
  return { query, runs };
}

export function useRun(id: Ref<number>) {
  return useQuery({
    queryKey: computed(() => runKey(id.value)),
    queryFn: () => training.run(id.value),
    refetchInterval: (now) => (now.state.data && isLive(now.state.data) ? 2_000 : 30_000),
  });
}
