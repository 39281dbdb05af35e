/** Whether tickets, or the answers to them, have changed since training: the last check, its course, what is held back. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/vue-query";
import { computed, type Ref } from "vue";
import { useI18n } from "vue-i18n";
import { drift } from "@/api/endpoints";
import type { Drift, DriftKind, DriftReading } from "@/api/types";
import { useFormat } from "./useFormat";
import { useServiceCodes } from "./useServiceCodes";
import { useServices } from "./useServices";
import { useShares } from "./useShares";

const KEY = ["drift"] as const;

export function useDrift() {
  const queries = useQueryClient();
  const query = useQuery({ queryKey: KEY, queryFn: drift.read, refetchInterval: 60_000 });
  const check = useMutation({
    mutationFn: drift.check,
    onSuccess: (found: Drift) => {
      queries.setQueryData(KEY, found);
      void queries.invalidateQueries({ queryKey: ["drift-series"] });
    },
  });
  const endHold = useMutation({ mutationFn: drift.endHold, onSuccess: () => queries.invalidateQueries({ queryKey: KEY }) });
  return { query, check, endHold };
}

export function useDriftSeries(kind: Ref<DriftKind>) {
  return useQuery({ queryKey: computed(() => ["drift-series", kind.value]), queryFn: () => drift.series(kind.value) });
}

interface Moved {
  service: string;
  before: number;
  now: number;
}

export function useDriftWords() {
  const { t, te } = useI18n();
  const { number } = useFormat();
  const { share } = useShares();
  const { nameOf } = useServices();
  const { nameOfCode } = useServiceCodes();

  /** What was found, in a sentence. */
  function found(reading: DriftReading): string {
    const { code, kind, params } = reading;
    const count = (name: string) => number(Number(params[name] ?? 0));
    const figures = {
      have: count("have"), needed: count("needed"), right: count("right"), total: count("total"), days: count("days"),
      value: share(reading.value), reference: share(reading.reference), service: reading.service_id === null ? "" : nameOf(reading.service_id),
    };
    const own = `dashboard.drift.${kind}.${code}`;
    const words = t(te(own) ? own : `dashboard.drift.any.${code}`, figures);
    const moved = Array.isArray(params.services) ? (params.services as Moved[]) : [];
    return reading.is_alarm && moved.length ? `${words} ${moved.map((one) => t("dashboard.drift.moved", { service: nameOfCode(one.service), before: share(one.before), now: share(one.now) })).join(", ")}.` : words;
  }
  const todo = (reading: DriftReading): string => (reading.is_alarm ? t(`dashboard.drift.do.${reading.code}`) : "");
  return { found, todo };
}
