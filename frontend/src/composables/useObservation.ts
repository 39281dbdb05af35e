/** The observation, what routes now and the promotion under way; every change reads them anew. */
import { useQuery, useQueryClient } from "@tanstack/vue-query";
import { computed } from "vue";
import { drift, observation as endpoint, production as routing } from "@/api/endpoints";
import type { Observation, ObservationStart } from "@/api/types";
import { useAction } from "./useAction";

export const OBSERVATION_KEY = ["observation"] as const;
export const PRODUCTION_KEY = ["production"] as const;
export const HISTORY_KEY = ["history"] as const;
const POLL_MS = 5_000;

export function useObservation() {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: OBSERVATION_KEY, queryFn: endpoint.read, refetchInterval: POLL_MS });
  const standing = useQuery({ queryKey: PRODUCTION_KEY, queryFn: routing.read, refetchInterval: POLL_MS });
  const { busy, problem, run } = useAction();
  const current = computed(() => (query.data.value?.observation ?? null) as Observation | null);
  const isLive = computed(() => current.value !== null && current.value.ended_at === null);

  /** Whether it worked; what the page shows is read anew either way. */
  async function change(work: () => Promise<unknown>): Promise<boolean> {
    const done = await run(async () => {
      await work();
      return true;
    });
    for (const key of [OBSERVATION_KEY, PRODUCTION_KEY, HISTORY_KEY]) void queries.invalidateQueries({ queryKey: key });
    return done === true;
  }
  return {
    query, standing, current, isLive, busy, problem,
    start: (body: ObservationStart) => change(() => endpoint.start(body)),
    share: (id: number, share: number) => change(() => endpoint.share(id, share)),
    stop: (id: number, why: string) => change(() => endpoint.stop(id, why)),
    promote: (id: number, why: string) => change(() => endpoint.promote(id, why)),
    approve: (promotion: number) => change(() => routing.approve(promotion)),
    withdraw: (promotion: number, why: string) => change(() => routing.withdraw(promotion, why)),
    read: (watch: number) => change(() => routing.watchRead(watch)),
    release: (hold: number) => change(() => drift.endHold(hold)),
    rollback: (why: string) => change(() => routing.rollback(why)),
  };
}
