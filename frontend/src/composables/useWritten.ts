/** A service's written tickets: reading, writing, removing; and the nearest real ticket while one writes. */
import { useQuery, useQueryClient } from "@tanstack/vue-query";
import { computed, onScopeDispose, ref, watch, type Ref } from "vue";
import { written } from "@/api/endpoints";
import type { NearTicket, WriteReport } from "@/api/types";
import { useAction } from "./useAction";
import { SERVICES_KEY } from "./useServices";

const PAUSE_MS = 400;
const SHORTEST = 8;

export function useWritten(service: Ref<number | null>) {
  const queries = useQueryClient();
  const key = computed(() => ["written", service.value]);
  const query = useQuery({
    queryKey: key,
    queryFn: () => written.list(service.value ?? 0),
    enabled: computed(() => service.value !== null),
  });
  const { busy, problem, run } = useAction();

  async function again(): Promise<void> {
    await queries.invalidateQueries({ queryKey: key.value });
    void queries.invalidateQueries({ queryKey: SERVICES_KEY });
  }
  async function write(texts: string[]): Promise<WriteReport | undefined> {
    if (service.value === null) return undefined;
    const id = service.value;
    const report = await run(() => written.write(id, texts));
    if (report?.written) await again();
    return report;
  }
  async function remove(id: number): Promise<boolean> {
    const done = await run(async () => (await written.remove(id), true));
    await again();
    return done ?? false;
  }
  async function readFile(file: File): Promise<string[]> {
    const form = new FormData();
    form.set("file", file);
    return (await run(() => written.readFile(form)))?.texts ?? [];
  }
  return { query, busy, problem, write, remove, readFile };
}

/** Asks once a person pauses; an answer to an older text is dropped. */
export function useNearest(text: Ref<string>) {
  const near = ref<NearTicket[]>([]);
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asked: AbortController | undefined;
  function stop(): void {
    clearTimeout(timer);
    asked?.abort();
  }
  async function ask(now: string): Promise<void> {
    asked = new AbortController();
    const own = asked;
    try {
      const answer = await written.nearest(now, own.signal);
      if (!own.signal.aborted) near.value = answer.results;
    } catch {
      if (!own.signal.aborted) near.value = []; // it is a help: writing goes on, and what is written is checked again
    }
  }
  watch(text, (now) => {
    stop();
    if (now.length < SHORTEST) near.value = [];
    else timer = setTimeout(() => void ask(now), PAUSE_MS);
  });
  onScopeDispose(stop);
  return near;
}
