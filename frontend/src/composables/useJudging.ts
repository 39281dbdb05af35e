/**
 * Judging pairs blind: which pair is held, what is said of it, and how to take that back.
 *
 * The server leases the pair and keeps its order; asking again gives the same pair and prolongs the lease.
 */
import { useQuery, useQueryClient } from "@tanstack/vue-query";
import { computed, onBeforeUnmount, ref, watch } from "vue";
import { ApiError } from "@/api/client";
import { judging } from "@/api/endpoints";
import type { JudgementChoice, JudgingClaim } from "@/api/types";
import { newKey } from "@/queue/newKey";
import { useAction } from "./useAction";

export const JUDGING_KEY = ["judging"] as const;
const RENEW_MS = 45_000;
/** Somebody was faster, or the pair is no longer there: the next one is shown. */
const GONE = ["lease_lost", "not_found", "observation_over"];

export interface SaidOfPair {
  judgement: number;
  ticket: number;
  choice: JudgementChoice;
  service: number | null;
}

export function useJudging() {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: JUDGING_KEY, queryFn: judging.claim, refetchInterval: RENEW_MS, gcTime: 0 });
  const { busy, problem, run } = useAction();
  const last = ref<SaidOfPair | null>(null);
  const shownAt = ref(Date.now());
  let hasLeft = false;

  const pair = computed(() => query.data.value?.pair ?? null);
  const counts = computed(() => query.data.value?.counts ?? null);
  const reason = computed(() => query.data.value?.reason ?? null);
  watch(() => pair.value?.id, () => (shownAt.value = Date.now()));

  const put = (next: JudgingClaim) => queries.setQueryData<JudgingClaim>(JUDGING_KEY, next);

  async function judge(choice: JudgementChoice, service: number | null = null): Promise<boolean> {
    const held = pair.value;
    if (!held || busy.value) return false;
    const body = { key: newKey(), lease: held.lease, choice, service_id: service, duration_ms: Date.now() - shownAt.value };
    const made = await run(() => judging.judge(held.id, body));
    if (made) {
      last.value = { judgement: made.judgement.id, ticket: held.ticket_id, choice, service: made.judgement.service_id };
    }
    if (made || isGone(problem.value)) await next();
    return made !== undefined;
  }
  /** Whoever left meanwhile does not hold the next pair: all others would wait for it. */
  async function next(): Promise<void> {
    const found = (await query.refetch()).data?.pair;
    if (hasLeft && found) await judging.release(found.id, found.lease).catch(() => undefined);
  }
  async function undo(): Promise<void> {
    const made = last.value;
    if (!made || busy.value) return;
    const held = pair.value;
    const done = await run(async () => {
      if (held) await judging.release(held.id, held.lease); // so that the pair taken back is the one shown
      return judging.undo(made.judgement);
    });
    if (done) {
      last.value = null;
      put({ pair: done.pair, counts: done.counts, reason: null });
      if (!done.pair) await query.refetch();
    }
  }
  onBeforeUnmount(() => {
    hasLeft = true;
    if (pair.value) void judging.release(pair.value.id, pair.value.lease).catch(() => undefined);
  });
  return { query, pair, counts, reason, last, busy, problem, judge, undo };
}

function isGone(error: unknown): boolean {
  return error instanceof ApiError && GONE.includes(error.code);
}
