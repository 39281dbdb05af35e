/** Customers who wait for a person, read again every few seconds while the page is open. */
import { useQuery } from "@tanstack/vue-query";
import { escalations } from "@/api/endpoints";

const POLL_MS = 5_000;

export function useWaiting() {
  return useQuery({ queryKey: ["escalations"], queryFn: escalations.list, refetchInterval: POLL_MS });
}
