/**
 * One decision about the ticket on the screen: which service, none, two, skip, flag, yes, no.
 * What is half decided (a first of two services, "no, but which?") lives here and ends with the ticket.
 */
import { computed, ref, watch } from "vue";
import type { Answer, Service } from "@/api/types";
import type { Queue } from "@/queue/queue";
import { useStopwatch } from "./useStopwatch";

export function useDecision(queue: Queue, services: () => Service[]) {
  const stopwatch = useStopwatch();
  /** Choosing two services: null = not, [] = none chosen yet, [id] = the first one. */
  const pair = ref<number[] | null>(null);
  const correcting = ref(false);
  const excluded = ref(new Set<number>());

  const item = queue.current;
  /** The service that a check asks about. */
  const claim = computed<number | null>(() => {
    const now = item.value;
    if (!now || now.mode !== "check" || now.control) return null;
    const stated = now.suggestion?.service_id ?? now.why.params.service_id;
    return typeof stated === "number" ? stated : null;
  });

  watch(
    () => [item.value?.ticket.id, item.value?.lease.token],
    () => {
      pair.value = null;
      correcting.value = false;
      excluded.value = new Set();
      stopwatch.restart();
    },
    { flush: "sync" },
  );

  function give(answer: Answer): boolean {
    const except = [...excluded.value];
    return queue.answer(except.length ? { ...answer, except_ticket_ids: except } : answer, stopwatch.read());
  }

  function choose(serviceId: number): boolean {
    if (pair.value === null) return give({ kind: "label", service_id: serviceId });
    const first = pair.value[0];
    if (first === undefined) pair.value = [serviceId];
    else if (first === serviceId) pair.value = [];
    else return give({ kind: "two", service_id: first, second_service_id: serviceId });
    return true;
  }

  function chooseByKey(key: string): boolean {
    const service = services().find((one) => one.key.toLowerCase() === key);
    return service ? choose(service.id) : false;
  }

  function confirm(): boolean {
    return queue.offered.value ? queue.answer(queue.offered.value, stopwatch.read()) : false;
  }

  function cancel(): boolean {
    const active = pair.value !== null || correcting.value;
    pair.value = null;
    correcting.value = false;
    return active;
  }

  function toggleExcluded(ticketId: number): void {
    const next = new Set(excluded.value);
    if (!next.delete(ticketId)) next.add(ticketId);
    excluded.value = next;
  }

  return {
    pair, correcting, excluded, claim,
    choose, chooseByKey, confirm, cancel, toggleExcluded,
    none: () => give({ kind: "none" }),
    skip: () => give({ kind: "skip" }),
    flag: () => give({ kind: "flag" }),
    yes: () => (claim.value === null ? false : give({ kind: "label", service_id: claim.value })),
    no: () => (claim.value === null ? false : (correcting.value = true)),
    two: () => {
      pair.value = pair.value === null ? [] : null;
      return true;
    },
  };
}
