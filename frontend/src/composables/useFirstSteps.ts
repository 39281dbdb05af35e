/** The three steps of a new installation: services, tickets, the first label. */
import { computed } from "vue";
import { useLoop } from "@/composables/useLoop";
import { useServices } from "@/composables/useServices";
import { useSession } from "@/stores/session";

export interface FirstStep {
  key: "services" | "tickets" | "teach";
  /** Name of the page where it is done. */
  to: "services" | "import" | "teach";
  done: boolean;
  count: number;
}

/** One service cannot be told from anything: a model needs two. */
export const FEWEST_SERVICES = 2;

export function useFirstSteps() {
  const session = useSession();
  const { active, query } = useServices();
  const { data: loop } = useLoop();
  const steps = computed<FirstStep[]>(() => {
    const tickets = loop.value?.embedding?.total ?? 0;
    const labels = loop.value?.boxes.find((box) => box.key === "label")?.count ?? 0;
    return [
      { key: "services", to: "services", done: active.value.length >= FEWEST_SERVICES, count: active.value.length },
      { key: "tickets", to: "import", done: tickets > 0, count: tickets },
      { key: "teach", to: "teach", done: labels > 0, count: labels },
    ];
  });
  const known = computed(() => query.isSuccess.value && loop.value !== undefined);
  const next = computed(() => steps.value.find((step) => !step.done) ?? null);
  /** Until the first label, and only for those who can do the steps. */
  const visible = computed(() => known.value && next.value !== null && session.atLeast("lead"));
  return { steps, next, known, visible };
}
