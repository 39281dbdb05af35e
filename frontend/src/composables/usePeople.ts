/** People, open invitations and one's own API tokens: reads and the writes that change them. */
import { useQuery, useQueryClient } from "@tanstack/vue-query";
import { people as endpoint } from "@/api/endpoints";
import type { Role } from "@/api/types";
import { useAction } from "./useAction";

const INVITATIONS_KEY = ["invitations"] as const;
const TOKENS_KEY = ["tokens"] as const;

/** Lowest first; a machine is no person and is made on the server. */
export const PERSON_ROLES: Role[] = ["annotator", "reviewer", "lead", "admin"];

export function usePeople() {
  return useQuery({ queryKey: ["people"], queryFn: endpoint.list, refetchInterval: 30_000 });
}

export function useInvitations() {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: INVITATIONS_KEY, queryFn: endpoint.invitations, refetchInterval: 30_000 });
  const { busy, problem, run } = useAction();
  const refresh = () => queries.invalidateQueries({ queryKey: INVITATIONS_KEY });
  const invite = (role: Role, email: string) =>
    run(async () => {
      const made = await endpoint.invite(role, email);
      void refresh();
      return made;
    });
  const withdraw = (id: number) =>
    run(async () => {
      await endpoint.withdraw(id).finally(refresh);
      return true;
    });
  return { query, busy, problem, invite, withdraw };
}

export function useTokens() {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: TOKENS_KEY, queryFn: endpoint.tokens });
  const { busy, problem, run } = useAction();
  const refresh = () => queries.invalidateQueries({ queryKey: TOKENS_KEY });
  const make = (name: string) =>
    run(async () => {
      const made = await endpoint.makeToken(name);
      void refresh();
      return made;
    });
  const revoke = (id: number) =>
    run(async () => {
      await endpoint.revokeToken(id).finally(refresh);
      return true;
    });
  return { query, busy, problem, make, revoke };
}
