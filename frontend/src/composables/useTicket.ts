/** One ticket, and what a reviewer may do to it. Lists read again when they are next looked at. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/vue-query";
import { computed, ref, watch, type Ref } from "vue";
import { queue, ticketTable } from "@/api/endpoints";
import type { TicketDetail } from "@/api/types";
import { newKey } from "@/queue/newKey";
import { TICKETS_KEY } from "./useTicketList";

const keyOf = (id: number) => ["ticket", id] as const;

export function useTicket(id: Ref<number>) {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: computed(() => keyOf(id.value)), queryFn: () => ticketTable.read(id.value) });
  /** What was done last on this page: said, and where possible taken back. */
  const done = ref<{ what: "relabelled" | "reopened" | "undone"; annotation: number | null } | null>(null);
  watch(id, () => (done.value = null));

  function accept(ticket: TicketDetail): void {
    queries.setQueryData(keyOf(ticket.id), ticket);
    void queries.invalidateQueries({ queryKey: TICKETS_KEY, refetchType: "none" });
    void queries.invalidateQueries({ queryKey: ["home"] });
  }

  const relabel = useMutation({
    mutationFn: (serviceId: number) => ticketTable.relabel(id.value, { service_id: serviceId, key: newKey() }),
    onSuccess: (ticket) => {
      accept(ticket);
      done.value = { what: "relabelled", annotation: ticket.history.find((one) => one.kind === "label")?.id ?? null };
    },
  });
  const reopen = useMutation({
    mutationFn: () => ticketTable.reopen(id.value),
    onSuccess: (ticket) => {
      accept(ticket);
      done.value = { what: "reopened", annotation: null };
    },
  });
  const undo = useMutation({
    mutationFn: (annotation: number) => queue.undo(annotation).then(() => ticketTable.read(id.value)),
    onSuccess: (ticket) => {
      accept(ticket);
      done.value = { what: "undone", annotation: null };
    },
  });
  const busy = computed(() => relabel.isPending.value || reopen.isPending.value || undo.isPending.value);
  const problem = computed(() => relabel.error.value ?? reopen.error.value ?? undo.error.value);
  const act = {
    relabel: (serviceId: number) => run(() => relabel.mutate(serviceId)),
    reopen: () => run(() => reopen.mutate()),
    undo: (annotation: number) => run(() => undo.mutate(annotation)),
  };
  function run(start: () => void): void {
    if (busy.value) return;
    for (const one of [relabel, reopen, undo]) one.reset();
    start();
  }
  return { query, done, act, busy, problem };
}

/** Reads the next ticket of the list ahead, so that walking never waits. */
export function usePrefetchTicket(id: Ref<number | null>): void {
  const queries = useQueryClient();
  watch(
    id,
    (next) => next !== null && void queries.prefetchQuery({ queryKey: keyOf(next), queryFn: () => ticketTable.read(next), staleTime: 20_000 }),
    { immediate: true },
  );
}
