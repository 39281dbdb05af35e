/** What is looked at, kept in the address so that a view can be shared: the version, and the one beside it. */
import { computed } from "vue";
import { useRoute, useRouter, type RouteLocationRaw } from "vue-router";
import type { Headline } from "@/api/types";

const asNumber = (value: unknown): number | null => (typeof value === "string" && /^\d+$/.test(value) ? Number(value) : null);

/** The version to start with: the newest that was measured, else the newest. */
export function firstShown(versions: Headline[]): number | null {
  const measured = versions.filter((one) => one.evaluation && one.evaluation.n > 0);
  return (measured.length ? measured : versions).at(-1)?.version ?? null;
}

/** What to compare with at first: the version before it that was measured. */
export function firstRival(versions: Headline[], version: number | null): number | null {
  return versions.filter((one) => one.version !== version && one.evaluation && (version === null || one.version < version)).at(-1)?.version ?? null;
}

export function useDashboardView(versions: () => Headline[]) {
  const route = useRoute();
  const router = useRouter();
  const known = (value: unknown): number | null => {
    const asked = asNumber(value);
    return versions().some((one) => one.version === asked) ? asked : null;
  };
  const version = computed(() => known(route.query.version) ?? firstShown(versions()));
  const rival = computed(() => {
    const asked = known(route.query.with);
    return asked !== null && asked !== version.value ? asked : firstRival(versions(), version.value);
  });
  const show = (changes: { version?: number; with?: number }) => {
    const query = { ...route.query, ...Object.fromEntries(Object.entries(changes).map(([name, value]) => [name, String(value)])) };
    return router.replace({ name: "dashboard", query });
  };
  return { version, rival, show };
}

/** The page of the tickets behind a figure. */
export function ticketsBehind(version: number, filters: Record<string, string | number | boolean>): RouteLocationRaw {
  const query = Object.fromEntries(Object.entries(filters).map(([name, value]) => [name, String(value)]));
  return { name: "answers", query: { version: String(version), ...query } };
}
