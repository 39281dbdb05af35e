/** Uploaded test sets: the list, one of them with what a version made of it, and sending a file. */
import { keepPreviousData, useQuery, useQueryClient } from "@tanstack/vue-query";
import { computed, ref, shallowRef, type Ref } from "vue";
import { ApiError } from "@/api/client";
import { dashboard, testSets } from "@/api/endpoints";
import type { TestSetDetail } from "@/api/types";
import { useSession } from "@/stores/session";
import { useAction } from "./useAction";

const LIST = ["test-sets"] as const;
/** Versions answer a set in the background: what they made of it comes a while after the upload. */
const NOW_AND_THEN = 15_000;

export function useTestSets() {
  return useQuery({ queryKey: LIST, queryFn: testSets.list, refetchInterval: NOW_AND_THEN });
}

/** The name of a set, "" while it is not known; nothing is asked for without an id. */
export function useTestSetName(id: () => number | null) {
  const { data } = useQuery({ queryKey: LIST, queryFn: testSets.list, enabled: computed(() => id() !== null) });
  return computed(() => data.value?.results.find((one) => one.id === id())?.name ?? "");
}

export function useTestSet(id: Ref<number | null>) {
  return useQuery({
    queryKey: computed(() => [...LIST, id.value]),
    queryFn: () => testSets.read(id.value!),
    enabled: computed(() => id.value !== null),
    refetchInterval: NOW_AND_THEN,
  });
}

export function useTestReport(version: Ref<number | null>, set: Ref<number | null>) {
  return useQuery({
    queryKey: computed(() => [...LIST, set.value, "report", version.value]),
    queryFn: () => dashboard.report(version.value!, set.value),
    enabled: computed(() => version.value !== null && set.value !== null),
    placeholderData: keepPreviousData,
  });
}

/** What a person may have to say when the server cannot find it out. */
export const COLUMNS = ["text_column", "label_column"] as const;
type Column = (typeof COLUMNS)[number];

export function useTestSetUpload() {
  const session = useSession();
  const queries = useQueryClient();
  const file = shallowRef<File | null>(null);
  const chosen = ref<Record<Column, string>>({ text_column: "", label_column: "" });
  const { busy, problem, run } = useAction();
  const share = ref(0);
  let stopper = new AbortController();
  const limit = computed(() => session.installation?.import_max_bytes ?? Infinity);
  /** The file's columns, where the server asked which is which. */
  const columns = computed<string[]>(() => {
    const found = problem.value instanceof ApiError ? problem.value.params.columns : null;
    return Array.isArray(found) ? found.map(String) : [];
  });

  /** The first rows of a file of which none could be taken. */
  const refused = computed(() => {
    const params = problem.value instanceof ApiError ? problem.value.params : {};
    const errors = (Array.isArray(params.first) ? params.first : []) as TestSetDetail["errors"];
    return errors.length ? { filename: file.value?.name ?? "", rejected: Number(params.rejected ?? 0), errors } : null;
  });

  /** The set that was made, or the one there was; undefined if the file was refused (see `problem`). */
  function send(): Promise<TestSetDetail | undefined> {
    const source = file.value;
    return run(async () => {
      if (!source) throw new ApiError("empty_file", 400);
      if (source.size > limit.value) throw new ApiError("file_too_large", 400, { limit: limit.value });
      share.value = 0;
      stopper = new AbortController();
      const form = new FormData();
      for (const [name, value] of Object.entries(chosen.value)) form.set(name, value);
      form.set("file", source, source.name);
      const made = await testSets.upload(form, { progress: (sent) => (share.value = sent), signal: stopper.signal });
      void queries.invalidateQueries({ queryKey: LIST });
      return made;
    });
  }
  function choose(source: File): Promise<TestSetDetail | undefined> {
    file.value = source;
    chosen.value = { text_column: "", label_column: "" };
    return send();
  }
  return { file, chosen, columns, refused, limit, busy, problem, share, choose, send, stop: () => stopper.abort() };
}
