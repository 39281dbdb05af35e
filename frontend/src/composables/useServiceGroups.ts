/** Groups of services with thresholds of their own, edited as typed: every service is in one group or in none. */
import { computed, reactive, ref, watch } from "vue";
import { useQuery, useQueryClient } from "@tanstack/vue-query";
import { dashboard } from "@/api/endpoints";
import type { GateSettings, ServiceGroup } from "@/api/types";
import { useAction } from "./useAction";

export const MOST_GROUPS = 5;
/** What the server calls all services, and those of no group. */
const RESERVED = ["overall", "others"];

export interface GroupDraft {
  name: string;
  /** In percent as typed; "": as much as for all services. */
  precision: string;
}
/** `of`: service code → place of its group. */
export interface GroupsDraft {
  groups: GroupDraft[];
  of: Record<string, number>;
}

export function groupsDraft(stored: ServiceGroup[]): GroupsDraft {
  const percent = (value: number | null | undefined) => (value == null ? "" : String(Math.round(value * 1e4) / 100));
  return {
    groups: stored.map((one) => ({ name: one.name, precision: percent(one.precision) })),
    of: Object.fromEntries(stored.flatMap((one, at) => one.services.map((code) => [code, at]))),
  };
}

export function groupsOf(draft: GroupsDraft): ServiceGroup[] {
  return draft.groups.map((one, at) => ({
    name: one.name.trim(),
    services: Object.keys(draft.of).filter((code) => draft.of[code] === at).sort(),
    precision: one.precision.trim() ? Number(one.precision.replace(",", ".")) / 100 : null,
  }));
}

/** What is wrong with each group, as the end of an i18n key; null where nothing is. `overall`: what all are promised. */
export function troubles(groups: ServiceGroup[], overall: number): (string | null)[] {
  return groups.map((one) => {
    if (!one.name) return "no_name";
    if (RESERVED.includes(one.name) || groups.some((other) => other !== one && other.name === one.name)) return "name_taken";
    if (!one.services.length) return "no_service";
    const precision = one.precision ?? overall;
    if (!(precision < 1)) return "no_share";
    return precision < overall ? "less" : null;
  });
}

export function useServiceGroups() {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: ["gate-settings"], queryFn: dashboard.gateSettings });
  const draft = reactive<GroupsDraft>({ groups: [], of: {} });
  const before = ref("[]");
  const saved = ref(false);
  const { busy, problem, run } = useAction();

  function load(settings: GateSettings): void {
    Object.assign(draft, groupsDraft(settings.service_groups));
    before.value = JSON.stringify(groupsOf(draft));
  }
  const groups = computed(() => groupsOf(draft));
  const isDirty = computed(() => JSON.stringify(groups.value) !== before.value);
  const wrong = computed(() => troubles(groups.value, query.data.value?.precision ?? 0));
  watch(query.data, (settings) => settings && !isDirty.value && load(settings), { immediate: true });
  watch(isDirty, (dirty) => dirty && (saved.value = false));

  const add = () => draft.groups.push({ name: "", precision: "" });
  function remove(at: number): void {
    draft.groups.splice(at, 1);
    const kept = Object.entries(draft.of).filter(([, place]) => place !== at);
    draft.of = Object.fromEntries(kept.map(([code, place]) => [code, place > at ? place - 1 : place]));
  }
  function put(code: string, at: number | null): void {
    if (at === null) delete draft.of[code];
    else draft.of[code] = at;
  }
  function discard(): void {
    if (query.data.value) load(query.data.value);
    problem.value = null;
  }
  async function save(): Promise<void> {
    const answer = await run(() => dashboard.saveGateSettings({ service_groups: groups.value }));
    if (!answer) return;
    load(answer);
    saved.value = true;
    queries.setQueryData(["gate-settings"], answer);
    for (const key of ["version", "headlines"]) void queries.invalidateQueries({ queryKey: [key] });
  }
  return { query, draft, wrong, isDirty, busy, problem, saved, add, remove, put, save, discard };
}
