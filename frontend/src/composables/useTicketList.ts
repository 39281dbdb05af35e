/** The table's rows, page after page; a page that is being read never blanks the one that is shown. */
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/vue-query";
import { computed, type Ref } from "vue";
import { ticketTable } from "@/api/endpoints";
import type { TicketRow } from "@/api/types";
import type { TicketFilters } from "./useTicketFilters";

export const TICKETS_KEY = ["tickets"] as const;

/** Scores may be ranked anew between two pages, so that a ticket turns up twice: its first place counts. */
export function distinct(rows: TicketRow[]): TicketRow[] {
  const seen = new Set<number>();
  return rows.filter((row) => !seen.has(row.id) && seen.add(row.id));
}

export function useTicketList(filters: Ref<TicketFilters>) {
  const list = useInfiniteQuery({
    queryKey: [...TICKETS_KEY, filters],
    queryFn: ({ pageParam, signal }) => ticketTable.list(filters.value, pageParam, signal),
    initialPageParam: "",
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
    staleTime: 30_000,
    gcTime: 30 * 60_000,
    refetchOnWindowFocus: false,
  });
  const rows = computed(() => distinct(list.data.value?.pages.flatMap((page) => page.results) ?? []));
  const first = computed(() => list.data.value?.pages[0]);
  const total = computed(() => first.value?.total ?? null);
  const andMore = computed(() => first.value?.and_more ?? false);
  const next = computed(() => list.data.value?.pages.at(-1)?.next ?? null);
  return { list, rows, total, andMore, next };
}

export function useTicketFacets() {
  return useQuery({ queryKey: ["ticket-facets"], queryFn: ticketTable.facets, staleTime: 5 * 60_000 });
}
