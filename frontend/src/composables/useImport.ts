/** From a chosen file to a started import: look at it, say what its columns mean, send it. */
import { useQuery, useQueryClient } from "@tanstack/vue-query";
import { computed, reactive, ref, shallowRef, type Ref } from "vue";
import { ApiError } from "@/api/client";
import { imports as endpoint } from "@/api/endpoints";
import type { ImportOptions, ImportPreview } from "@/api/types";
import { useSession } from "@/stores/session";
import { headOf } from "./filePreview";
import { useAction } from "./useAction";

export const COLUMN_OPTIONS = [
  "text_column",
  "label_column",
  "external_id_column",
  "received_at_column",
  "channel_column",
  "language_column",
] as const;
export type ColumnOption = (typeof COLUMN_OPTIONS)[number];

const plain = (): ImportOptions => ({
  encoding: "",
  delimiter: "",
  text_column: "",
  label_column: "",
  label_as: "labels",
  service_from_labels: false,
  external_id_column: "",
  received_at_column: "",
  channel_column: "",
  language_column: "",
  all_metadata: true,
});

export function useImport() {
  const session = useSession();
  const queries = useQueryClient();
  const file = shallowRef<File | null>(null);
  const preview = shallowRef<ImportPreview | null>(null);
  const options = reactive<ImportOptions>(plain());
  const looking = useAction();
  const sending = useAction();
  const sent = ref(0);
  let stopper = new AbortController();
  const limit = computed(() => session.installation?.import_max_bytes ?? Infinity);

  function form(source: File): FormData {
    const data = new FormData();
    for (const [name, value] of Object.entries(options)) data.set(name, String(value));
    data.set("file", source, source.name);
    return data;
  }

  /** Asks the server how it reads the file; columns that were guessed once and still exist stay as chosen. */
  async function look(): Promise<void> {
    const source = file.value;
    if (!source) return;
    await looking.run(async () => {
      if (source.size > limit.value) throw new ApiError("file_too_large", 400);
      const seen = await endpoint.preview(form(await headOf(source)));
      if (file.value !== source) return;
      for (const option of COLUMN_OPTIONS) {
        if (!preview.value || !seen.columns.includes(options[option])) options[option] = seen.guess[option] ?? "";
      }
      preview.value = seen;
    });
  }

  async function choose(source: File, newServices: boolean): Promise<void> {
    Object.assign(options, plain(), { service_from_labels: newServices });
    preview.value = null;
    sending.problem.value = null;
    file.value = source;
    await look();
  }

  /** The id of the import that was started; undefined if it was not (see `sending.problem`). */
  async function start(): Promise<number | undefined> {
    const source = file.value;
    if (!source) return undefined;
    sent.value = 0;
    stopper = new AbortController();
    const hooks = { progress: (share: number) => (sent.value = share), signal: stopper.signal };
    const run = await sending.run(() => endpoint.start(form(source), hooks));
    if (run) void queries.invalidateQueries({ queryKey: ["imports"] });
    return run?.id ?? undefined;
  }

  function forget(): void {
    file.value = null;
    preview.value = null;
    looking.problem.value = null;
    sending.problem.value = null;
  }

  return { file, preview, options, limit, looking, sending, sent, look, choose, start, stop: () => stopper.abort(), forget };
}

const isMoving = (state: string | undefined) => state === "waiting" || state === "running";

export function useImportReport(id: Ref<number | null>) {
  return useQuery({
    queryKey: ["import", id],
    queryFn: () => endpoint.read(id.value ?? 0),
    enabled: () => id.value !== null,
    refetchInterval: ({ state }) => (isMoving(state.data?.state) ? 700 : false),
  });
}

export function useLastImports() {
  return useQuery({
    queryKey: ["imports"],
    queryFn: endpoint.list,
    refetchInterval: ({ state }) => (state.data?.results.some((run) => isMoving(run.state)) ? 3_000 : 30_000),
  });
}
