/** The retrain policy: what is stored, the changes not saved yet, saving them, and a crontab line tried beforehand. */
import { useQuery, useQueryClient } from "@tanstack/vue-query";
import { computed, onScopeDispose, reactive, ref, watch, type Ref } from "vue";
import { training } from "@/api/endpoints";
import type { Policy, PolicyWrite } from "@/api/types";
import { useAction } from "./useAction";
import { LOOP_KEY } from "./useLoop";

export const POLICY_KEY = ["policy"] as const;
const TYPING_MS = 400;

export type Settings = Required<PolicyWrite>;
const NAMES: (keyof Settings)[] = [
  "is_active", "min_new_labels", "minimum_labels", "max_age_hours", "cron", "cooldown_minutes", "max_seconds", "epochs", "max_failures", "monthly_cap",
  "advisor_may_veto", "audit_target",
];

export const settingsOf = (policy: Policy): Settings =>
  Object.fromEntries(NAMES.map((name) => [name, policy[name]])) as Settings;

/** Only what differs, so that two leads who edit different settings do not undo each other. */
export function changesOf(stored: Settings, draft: Settings): PolicyWrite {
  return Object.fromEntries(NAMES.filter((name) => stored[name] !== draft[name]).map((name) => [name, draft[name]]));
}

export function usePolicy() {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: POLICY_KEY, queryFn: training.policy, refetchInterval: 10_000 });
  const draft = reactive({} as Settings);
  let base: Settings | null = null;
  const { busy, problem, run } = useAction();
  const saved = ref(false);
  const stored = computed(() => (query.data.value ? settingsOf(query.data.value) : null));
  const changes = computed(() => (stored.value && base ? changesOf(stored.value, draft) : {}));
  const isDirty = computed(() => Object.keys(changes.value).length > 0);

  // What somebody else saved arrives here too; what is being edited here stays.
  watch(
    stored,
    (now) => {
      if (!now) return;
      for (const name of NAMES) {
        if (!base || draft[name] === base[name]) (draft as Record<string, unknown>)[name] = now[name];
      }
      base = now;
    },
    { immediate: true },
  );
  watch(isDirty, (dirty) => {
    if (dirty) saved.value = false;
  });

  function discard(): void {
    if (stored.value) Object.assign(draft, stored.value);
    problem.value = null;
  }

  async function save(): Promise<void> {
    const answer = await run(() => training.savePolicy(changes.value));
    if (!answer) return;
    queries.setQueryData(POLICY_KEY, answer);
    Object.assign(draft, settingsOf(answer));
    saved.value = true;
    void queries.invalidateQueries({ queryKey: LOOP_KEY });
  }

  return { query, draft, isDirty, busy, problem, saved, save, discard };
}

/** When the line being typed would fire next, asked a moment after the last keystroke. */
export function useSchedule(cron: Ref<string>) {
  const tried = ref(cron.value.trim());
  let timer: ReturnType<typeof setTimeout> | undefined;
  watch(cron, (line) => {
    clearTimeout(timer);
    timer = setTimeout(() => (tried.value = line.trim()), TYPING_MS);
  });
  onScopeDispose(() => clearTimeout(timer));
  const query = useQuery({
    queryKey: ["policy-schedule", tried],
    queryFn: () => training.trySchedule(tried.value),
    enabled: () => tried.value !== "",
    retry: false,
    staleTime: 30_000,
  });
  return { tried, query };
}
