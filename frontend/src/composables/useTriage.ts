/**
 * The triage inbox: which ticket is looked at, what is decided about it, and how to take that back.
 *
 * A ticket left for later goes behind the others until the page is left; nothing of that is stored.
 */
import { useQuery, useQueryClient } from "@tanstack/vue-query";
import { computed, ref } from "vue";
import { ApiError } from "@/api/client";
import { queue, triage } from "@/api/endpoints";
import type { TriageInbox, TriageKind } from "@/api/types";
import { newKey } from "@/queue/newKey";
import { useAction } from "./useAction";
import { TICKETS_KEY } from "./useTicketList";

export const TRIAGE_KEY = ["triage"] as const;
const POLL_MS = 20_000;

/** Those left for later come last, the one left longest ago first. */
export function inTurn(ids: number[], later: number[]): number[] {
  const waiting = later.filter((id) => ids.includes(id));
  return [...ids.filter((id) => !waiting.includes(id)), ...waiting];
}

export function useTriage() {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: TRIAGE_KEY, queryFn: triage.list, refetchInterval: POLL_MS });
  const { busy, problem, run } = useAction();
  const later = ref<number[]>([]);
  const last = ref<{ annotation: number; ticket: number; kind: TriageKind; service: number | null } | null>(null);

  const rows = computed(() => query.data.value?.results ?? []);
  const order = computed(() => inTurn(rows.value.map((row) => row.ticket_id), later.value));
  const current = computed(() => rows.value.find((row) => row.ticket_id === order.value[0]) ?? null);
  const total = computed(() => query.data.value?.total ?? 0);

  function leave(): boolean {
    if (!current.value || busy.value || rows.value.length < 2) return false;
    const id = current.value.ticket_id;
    later.value = [...later.value.filter((one) => one !== id), id];
    return true;
  }
  /** Out of the list at once: the next ticket must not wait for the list to be read again. */
  function drop(id: number): void {
    queries.setQueryData<TriageInbox>(TRIAGE_KEY, (was) => was && without(was, id));
    void queries.invalidateQueries({ queryKey: TRIAGE_KEY });
    void queries.invalidateQueries({ queryKey: TICKETS_KEY, refetchType: "none" });
    void queries.invalidateQueries({ queryKey: ["ticket", id], refetchType: "none" });
  }
  async function decide(kind: TriageKind, service: number | null = null): Promise<void> {
    const ticket = current.value;
    if (!ticket || busy.value) return;
    const made = await run(() => triage.decide(ticket.ticket_id, { kind, service_id: service, key: newKey() }));
    if (made) last.value = { annotation: made.id, ticket: ticket.ticket_id, kind, service };
    if (made || isGone(problem.value)) drop(ticket.ticket_id);
  }
  async function undo(): Promise<void> {
    const made = last.value;
    if (!made || busy.value) return;
    const done = await run(() => queue.undo(made.annotation));
    if (!done) return;
    last.value = null;
    later.value = later.value.filter((id) => id !== made.ticket);
    drop(made.ticket);
  }
  return { query, current, total, last, busy, problem, leave, decide, undo };
}

function without(inbox: TriageInbox, id: number): TriageInbox {
  const results = inbox.results.filter((row) => row.ticket_id !== id);
  return { ...inbox, results, total: inbox.total - (inbox.results.length - results.length) };
}

/** Somebody else was faster, or the ticket was removed: there is nothing left to decide. */
function isGone(error: unknown): boolean {
  return error instanceof ApiError && ["decided_meanwhile", "ticket_gone"].includes(error.code);
}
