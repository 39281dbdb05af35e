/** Starting, cancelling and retrying a training; whatever shows runs is read again afterwards. */
import { useQueryClient } from "@tanstack/vue-query";
import { training } from "@/api/endpoints";
import type { RunDetail } from "@/api/types";
import { useAction } from "./useAction";
import { LOOP_KEY } from "./useLoop";
import { POLICY_KEY } from "./usePolicy";

export const RUNS_KEY = ["runs"] as const;
export const runKey = (id: number) => ["run", id] as const;

export function useTraining() {
  const queries = useQueryClient();
  const { busy, problem, run } = useAction();

  async function act(call: () => Promise<RunDetail>): Promise<RunDetail | undefined> {
    const answer = await run(call);
    if (answer) queries.setQueryData(runKey(answer.id), answer);
    // After a refusal too: it says that the page was behind.
    for (const queryKey of [RUNS_KEY, LOOP_KEY, POLICY_KEY]) void queries.invalidateQueries({ queryKey });
    return answer;
  }

  return {
    busy,
    problem,
    start: () => act(training.start),
    cancel: (id: number) => act(() => training.cancel(id)),
    retry: (id: number) => act(() => training.retry(id)),
  };
}
