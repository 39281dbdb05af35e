/**
 * The list a ticket was opened from, so that its page can go to the one before and the one after.
 *
 * The order is kept as it was seen: an answer that takes a ticket out of the list, or a new ranking, does not
 * move the others. It outlives a reload of the page and ends with the tab.
 */
import { computed, ref, shallowRef, type Ref } from "vue";
import { ticketTable } from "@/api/endpoints";
import { readFilters } from "./useTicketFilters";

export interface Trail {
  ids: number[];
  /** The list's address and where it goes on. */
  query: Record<string, string>;
  next: string | null;
}

const STORED = "aiguilleur.trail";
const trail = shallowRef<Trail | null>(restore());

function restore(): Trail | null {
  try {
    const found = JSON.parse(sessionStorage.getItem(STORED) ?? "null") as Trail | null;
    return found && Array.isArray(found.ids) && typeof found.query === "object" ? found : null;
  } catch {
    return null;
  }
}

export function leaveTrail(list: Trail): void {
  trail.value = list;
  try {
    sessionStorage.setItem(STORED, JSON.stringify(list));
  } catch {
    // Storage refused or full: the trail lasts until the page is reloaded.
  }
}

export function useTrail(id: Ref<number>) {
  const reading = ref(false);
  const at = computed(() => trail.value?.ids.indexOf(id.value) ?? -1);
  const on = computed(() => at.value >= 0);
  const previous = computed(() => (at.value > 0 ? (trail.value?.ids[at.value - 1] ?? null) : null));
  const following = computed(() => (on.value ? (trail.value?.ids[at.value + 1] ?? null) : null));
  const hasNext = computed(() => following.value !== null || (on.value && Boolean(trail.value?.next)));
  const back = computed(() => ({ name: "tickets", query: on.value ? trail.value?.query : {} }));

  /** The id after this one, reading the list's next page when its end is reached; null at the very end. */
  async function stepOn(): Promise<number | null> {
    const list = trail.value;
    if (following.value !== null || !on.value || !list?.next || reading.value) return following.value;
    reading.value = true;
    try {
      const page = await ticketTable.list(readFilters(list.query), list.next);
      const known = new Set(list.ids);
      leaveTrail({ ...list, ids: [...list.ids, ...page.results.map((row) => row.id).filter((pk) => !known.has(pk))], next: page.next });
      return following.value;
    } finally {
      reading.value = false;
    }
  }
  return { at, on, previous, following, hasNext, back, reading, stepOn };
}
