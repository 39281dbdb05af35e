/** What the dashboard reads. Reports never change, but newer ones come while the page is open. */
import { keepPreviousData, useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/vue-query";
import { computed, type Ref } from "vue";
import { dashboard, production } from "@/api/endpoints";
import { ApiError } from "@/api/client";
import type { OverridePurpose } from "@/api/types";

const NOW_AND_THEN = 30_000;

export function useHeadlines() {
  return useQuery({ queryKey: ["headlines"], queryFn: dashboard.headlines, refetchInterval: NOW_AND_THEN });
}

/** How each version that ever routed stands, by its number. */
export function useStandings() {
  const { data } = useQuery({ queryKey: ["standings"], queryFn: production.versions, refetchInterval: NOW_AND_THEN });
  return computed(() => new Map(data.value?.results.map((one) => [one.version, one.standing])));
}

export function useEffort() {
  return useQuery({ queryKey: ["effort"], queryFn: dashboard.effort, refetchInterval: NOW_AND_THEN });
}

/** One version's report, outlook and gate. `outlook` is null where no answers were kept to count from. */
export function useVersion(version: Ref<number | null>) {
  const shared = { enabled: computed(() => version.value !== null), refetchInterval: NOW_AND_THEN, placeholderData: keepPreviousData };
  const read = <T>(name: string, ask: (number: number) => Promise<T>) =>
    useQuery({ ...shared, queryKey: computed(() => ["version", version.value, name]), queryFn: () => ask(version.value!) });
  return { report: read("report", dashboard.report), outlook: read("outlook", outlookIfAny), gate: read("gate", dashboard.gate) };
}

/** The outlook of one group of services with a threshold of its own. */
export function useGroupOutlook(version: Ref<number>, group: Ref<string>) {
  return useQuery({
    queryKey: computed(() => ["version", version.value, "outlook", group.value]),
    queryFn: () => dashboard.outlook(version.value, group.value),
    refetchInterval: NOW_AND_THEN,
  });
}

async function outlookIfAny(version: number) {
  try {
    return await dashboard.outlook(version);
  } catch (error) {
    if (error instanceof ApiError && error.code === "not_evaluated") return null;
    throw error;
  }
}

export function useCompared(first: Ref<number>, second: Ref<number | null>) {
  return useQuery({
    queryKey: computed(() => ["compared", first.value, second.value]),
    queryFn: () => dashboard.compare(first.value, second.value!),
    enabled: computed(() => second.value !== null),
    placeholderData: keepPreviousData,
  });
}

export function useOverride(version: Ref<number>) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (given: { purpose: OverridePurpose; reason: string }) => dashboard.override(version.value, given.purpose, given.reason),
    onSuccess: (standing) => {
      queries.setQueryData(["version", version.value, "gate"], standing);
      return queries.invalidateQueries({ queryKey: ["headlines"] });
    },
  });
}

export function useAnswered(version: Ref<number | null>, query: Ref<Record<string, string>>) {
  return useInfiniteQuery({
    queryKey: ["answered", version, query],
    queryFn: ({ pageParam, signal }) => dashboard.answered(version.value!, query.value, pageParam, signal),
    initialPageParam: "0",
    getNextPageParam: (page) => page.next ?? undefined,
    enabled: computed(() => version.value !== null),
    placeholderData: keepPreviousData,
    refetchOnWindowFocus: false,
  });
}
