/** Snapshots: the list, one of them, its rows, and what lies between two. They never change, but erasures empty rows. */
import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/vue-query";
import { computed, type Ref } from "vue";
import { snapshots } from "@/api/endpoints";
import type { SnapshotChange } from "@/api/types";
import { useAction } from "./useAction";
import { RUNS_KEY } from "./useTraining";

const LIST_KEY = ["snapshots"] as const;

export function useSnapshots() {
  const query = useInfiniteQuery({
    queryKey: LIST_KEY,
    queryFn: ({ pageParam }) => snapshots.list(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });
  return { query, rows: computed(() => query.data.value?.pages.flatMap((page) => page.results) ?? []) };
}

export function useSnapshot(fingerprint: Ref<string>) {
  return useQuery({
    queryKey: computed(() => ["snapshot", fingerprint.value]),
    queryFn: () => snapshots.read(fingerprint.value),
  });
}

export function useSnapshotRows(fingerprint: Ref<string>, service: Ref<string>, origin: Ref<string>) {
  const read = (cursor: string | null) => snapshots.rows(fingerprint.value, service.value, origin.value, cursor);
  return pages(["snapshot-rows", fingerprint, service, origin], read, () => true);
}

export function useComparison(before: Ref<string>, after: Ref<string>) {
  return useQuery({
    queryKey: computed(() => ["snapshot-comparison", before.value, after.value]),
    queryFn: () => snapshots.compare(before.value, after.value),
    enabled: computed(() => before.value !== ""),
  });
}

export function useChanges(before: Ref<string>, after: Ref<string>, kind: Ref<SnapshotChange>) {
  const read = (cursor: string | null) => snapshots.changes(before.value, after.value, kind.value, cursor);
  return pages(["snapshot-changes", before, after, kind], read, () => before.value !== "");
}

function pages(
  key: unknown[],
  read: (cursor: string | null) => ReturnType<typeof snapshots.rows>,
  isAsked: () => boolean,
) {
  const query = useInfiniteQuery({
    queryKey: key,
    enabled: isAsked,
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next,
  });
  return { query, rows: computed(() => query.data.value?.pages.flatMap((page) => page.results) ?? []) };
}

/** What a lead does with snapshots. */
export function useSnapshotActions() {
  const queries = useQueryClient();
  const { busy, problem, run } = useAction();
  async function take() {
    const made = await run(snapshots.take);
    if (made) await queries.invalidateQueries({ queryKey: LIST_KEY });
    return made;
  }
  async function train(fingerprint: string) {
    const started = await run(() => snapshots.train(fingerprint));
    if (started) void queries.invalidateQueries({ queryKey: RUNS_KEY });
    return started;
  }
  return { busy, problem, take, train, restore: (fingerprint: string) => run(() => snapshots.restore(fingerprint)) };
}
