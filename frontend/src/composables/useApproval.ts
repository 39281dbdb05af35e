/** A lead's word on a version in the model registry; its page is read again afterwards. */
import { useQueryClient } from "@tanstack/vue-query";
import { training } from "@/api/endpoints";
import { useAction } from "./useAction";

export function useApproval() {
  const queries = useQueryClient();
  const { busy, problem, run } = useAction();

  /** Whether it was taken. */
  async function decide(version: number, approved: boolean, reason: string): Promise<boolean> {
    const answer = await run(() => training.decide(version, approved, reason));
    await queries.invalidateQueries({ queryKey: ["model", version] });
    return answer !== undefined;
  }
  return { busy, problem, decide };
}
