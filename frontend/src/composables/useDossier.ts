/** The dossier of a promotion: what it was decided on, in names and values. */
import { useQuery } from "@tanstack/vue-query";
import { computed, type Ref } from "vue";
import { useI18n } from "vue-i18n";
import { production } from "@/api/endpoints";
import type { Dossier } from "@/api/types";
import { useFormat } from "./useFormat";
import { useServiceCodes } from "./useServiceCodes";
import { useShares } from "./useShares";

export interface Fact {
  name: string;
  value: string;
  /** Hashes and addresses: may break anywhere. */
  isCode?: boolean;
}

export function useDossier(id: Ref<number>) {
  return useQuery({ queryKey: computed(() => ["dossier", id.value]), queryFn: () => production.dossier(id.value) });
}

export function useDossierFacts() {
  const { t } = useI18n();
  const { number, percent, dateTime, date, duration } = useFormat();
  const { share } = useShares();
  const { nameOfCode } = useServiceCodes();
  const named = (rows: [string, string | null | undefined, boolean?][]): Fact[] =>
    rows.filter(([, value]) => value).map(([name, value, isCode]) => ({ name: t(`dossier.${name}`), value: String(value), isCode }));
  const when = (iso: string | null | undefined) => (iso ? dateTime(iso) : "");
  const byAt = (by: string | null | undefined, at: string | null | undefined) => (at ? t("dossier.by_at", { by: by ?? "?", when: dateTime(at) }) : t("dossier.nobody"));

  const decision = (one: Dossier): Fact[] =>
    named([
      ["asked", byAt(one.requested_by, one.requested_at)],
      ["rehearsed", when(one.rehearsed_at)],
      ["approved", byAt(one.approved_by, one.approved_at)],
      ["canary", one.canary_share === null ? "" : t(one.canary_passed_at ? "dossier.canary_passed" : "dossier.canary_not_passed", { share: percent(one.canary_share), when: when(one.canary_passed_at) })],
      ["ended", one.ended_at ? `${t(`dossier.state.${one.state}`)}, ${dateTime(one.ended_at)}` : t(`dossier.state.${one.state}`)],
      ["former", one.former === null ? t("dossier.people") : t("observation.candidate", { n: one.former })],
      ["trouble", one.trouble],
    ]);
  function thresholds(one: Dossier): Fact[] {
    const given = one.certificate;
    if (!given || given.threshold === null) return [];
    const groups = given.groups.map((one) => ({
      name: one.name === "others" ? t("dossier.others") : one.name,
      value: one.threshold === null ? t("dossier.to_people") : t("dossier.group", { share: percent(one.wanted, 1), threshold: number(one.threshold, 3) }),
    }));
    return [...groups, ...named([
      ["promise", percent(given.precision, 1)],
      ["threshold", number(given.threshold, 3)],
      ["gate_at", given.gate === null ? "" : number(given.gate, 3)],
      ["coverage", given.coverage === null ? "" : share(given.coverage)],
      ["recall", given.recall === null ? "" : share(given.recall)],
      ["controls", number(given.audit_labels)],
      ["window", given.window_from && given.window_to ? `${date(given.window_from)} – ${date(given.window_to)}` : ""],
      ["escalated", given.escalated.map(nameOfCode).join(", ")],
    ])];
  }
  function data(one: Dossier): Fact[] {
    const of = one.data;
    return named([
      ["rows", of.rows === null ? "" : number(of.rows)],
      ["snapshot", of.snapshot, true],
      ["measured_on", of.controls === null ? "" : number(of.controls)],
      ["accuracy", of.accuracy === null ? "" : share(of.accuracy)],
      ["evaluation", of.evaluation, true],
    ]);
  }
  const lineage = (one: Dossier): Fact[] =>
    named([
      ["made", when(one.lineage.made_at)],
      ["run", one.lineage.run === null ? "" : number(one.lineage.run)],
      ["base", one.lineage.base_model, true],
      ["settings", Object.entries(one.lineage.hyperparameters ?? {}).map(([name, value]) => `${name} ${value}`).join(", "), true],
      ["encoder", one.lineage.encoder, true],
      ["manifest", one.lineage.manifest_hash, true],
      ["artifact", one.lineage.artifact_uri, true],
      ["registry", one.lineage.registry, true],
    ]);
  function cost(one: Dossier): Fact[] {
    const people = one.observation.verdict?.cost;
    return named([
      ["training", one.cost.seconds === null ? "" : duration(one.cost.seconds)],
      ["billed", one.cost.billed_seconds ? duration(one.cost.billed_seconds) : ""],
      ["money", one.cost.amount === null ? "" : number(one.cost.amount, 2)],
      ["minutes", people && people.value !== null ? `${number(people.value, 2)} (${number(people.interval.low, 2)} – ${number(people.interval.high, 2)})` : ""],
    ]);
  }
  return { decision, thresholds, data, lineage, cost };
}
