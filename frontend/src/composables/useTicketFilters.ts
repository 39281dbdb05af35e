/** What the table shows lives in the address, so that a view can be shared, kept and gone back to. */
import { computed } from "vue";
import { useRoute, useRouter, type LocationQuery, type LocationQueryRaw } from "vue-router";

export const FILTERS = ["q", "status", "service", "predicted", "channel", "language", "audit"] as const;
export type FilterName = (typeof FILTERS)[number];
export type SortColumn = "received_at" | "uncertainty" | "outlier";
export type TicketFilters = Record<FilterName | "sort", string>;
export const DEFAULT_SORT = "-received_at";
const SORTS = ["received_at", "uncertainty", "outlier"].flatMap((name) => [name, `-${name}`]);

const single = (value: unknown): string => String((Array.isArray(value) ? value[0] : value) ?? "");

/** An order nobody knows falls back to the newest first; everything else the server judges. */
export function readFilters(query: LocationQuery): TicketFilters {
  const found = Object.fromEntries(FILTERS.map((name) => [name, single(query[name])])) as TicketFilters;
  const sort = single(query.sort);
  found.sort = SORTS.includes(sort) ? sort : DEFAULT_SORT;
  return found;
}

/** Only what differs from the plain table, so that addresses stay short. */
export function writeFilters(filters: TicketFilters): LocationQueryRaw {
  const kept = FILTERS.filter((name) => filters[name] !== "").map((name) => [name, filters[name]]);
  if (filters.sort !== DEFAULT_SORT) kept.push(["sort", filters.sort]);
  return Object.fromEntries(kept);
}

/** The next order when a column's head is pressed: highest (newest) first, then the other way round. */
export function turned(sort: string, column: SortColumn): string {
  return sort === `-${column}` ? column : `-${column}`;
}

export function useTicketFilters() {
  const route = useRoute();
  const router = useRouter();
  const filters = computed(() => readFilters(route.query));
  const active = computed(() => FILTERS.filter((name) => filters.value[name] !== "").length);

  const set = (changes: Partial<TicketFilters>) =>
    router.replace({ name: "tickets", query: writeFilters({ ...filters.value, ...changes }) });
  const clear = () => router.replace({ name: "tickets", query: writeFilters({ ...readFilters({}), sort: filters.value.sort }) });
  return { filters, active, set, clear };
}
