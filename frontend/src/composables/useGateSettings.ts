/** What is asked of a version, and what a person's minutes are: stored, edited as typed, saved as far as it differs. */
import { useQuery, useQueryClient } from "@tanstack/vue-query";
import { computed, reactive, ref, watch } from "vue";
import { dashboard } from "@/api/endpoints";
import type { GateSettings } from "@/api/types";
import { useAction } from "./useAction";

export interface GateField {
  name: keyof GateSettings;
  /** How many of the shown unit make one of the stored. */
  times: number;
  unit: "percent" | "points" | "ms" | "min";
  /** Empty: not asked. */
  optional: boolean;
}

const field = (name: keyof GateSettings, unit: GateField["unit"], optional = true): GateField => ({ name, unit, optional, times: unit === "percent" || unit === "points" ? 100 : 1 });
export const GATE_GROUPS: { key: string; fields: GateField[] }[] = [
  { key: "promise", fields: [field("precision", "percent", false)] },
  {
    key: "asked",
    fields: [
      field("min_accuracy", "percent"), field("min_recall", "percent"), field("min_coverage", "percent"),
      field("max_calibration_error", "points"), field("max_worse", "points"), field("max_latency_ms", "ms"),
    ],
  },
  { key: "minutes", fields: [field("minutes_escalation", "min", false), field("minutes_misroute", "min", false)] },
];
const FIELDS = GATE_GROUPS.flatMap((group) => group.fields);

export type Draft = Record<string, string>;

/** .95 → "95"; not asked → "". */
export function draftOf(settings: GateSettings): Draft {
  return Object.fromEntries(FIELDS.map(({ name, times }) => [name, settings[name] === null ? "" : String(Math.round(Number(settings[name]) * times * 1e4) / 1e4)]));
}

/** Only what differs from what was loaded, so that two leads who edit different settings do not undo each other. */
export function gateChanges(before: Draft, draft: Draft): Partial<GateSettings> {
  const changed = FIELDS.filter(({ name }) => draft[name] !== before[name]);
  return Object.fromEntries(changed.map(({ name, times }) => [name, draft[name]?.trim() ? Number(draft[name].replace(",", ".")) / times : null]));
}

export function useGateSettings() {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: ["gate-settings"], queryFn: dashboard.gateSettings });
  const draft = reactive<Draft>({});
  const before = ref<Draft>({});
  const saved = ref(false);
  const { busy, problem, run } = useAction();

  function load(settings: GateSettings): void {
    before.value = draftOf(settings);
    Object.assign(draft, before.value);
  }
  watch(query.data, (settings) => settings && !isDirty.value && load(settings));
  const changes = computed(() => gateChanges(before.value, draft));
  const isDirty = computed(() => Object.keys(changes.value).length > 0);
  watch(isDirty, (dirty) => dirty && (saved.value = false));
  if (query.data.value) load(query.data.value);

  async function save(): Promise<void> {
    const answer = await run(() => dashboard.saveGateSettings(changes.value));
    if (!answer) return;
    load(answer);
    saved.value = true;
    queries.setQueryData(["gate-settings"], answer);
    for (const key of ["version", "headlines", "effort"]) void queries.invalidateQueries({ queryKey: [key] });
  }
  function discard(): void {
    Object.assign(draft, before.value);
    problem.value = null;
  }
  return { query, draft, isDirty, busy, problem, saved, save, discard };
}
