import { type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Dossier } from "@/api/types";
import { mountWith } from "@/components/desk/testing";
import { i18n } from "@/i18n";
import en from "@/locales/en";
import fr from "@/locales/fr";
import DossierSheet from "./DossierSheet.vue";

const AT = "2026-11-28T08:00:00Z";
const sequence = (value: number) => ({ value, interval: { low: value - 0.05, high: value + 0.05 }, tickets: 200, judged: 80 });
const side = { coverage: sequence(0.7), precision: sequence(0.96) };
const GIVEN = {
  id: 4, version: 2, former: 1, state: "done", why: "right twice as often", trouble: "", requested_by: "chloe", requested_at: AT, rehearsed_at: AT, approved_by: "dan", approved_at: AT, was_four_eyes: true, ended_at: AT, moment: AT, canary_share: 0.1, canary_passed_at: AT,
  gate: { passed: false, reasons: [{ code: "low_accuracy", params: { service: "delivery", value: 0.7, limit: 0.8, tickets: 40 }, stops: true }], limits: {}, fingerprint: "x", created_at: AT },
  override: { by: "dan", reason: "two services are new", codes: ["low_accuracy"], created_at: AT },
  certificate: { state: "certified", is_spent: true, precision: 0.95, level: 0.05, threshold: 0.873, gate: 0.95, outlier_weight: 0, surest: 1, coverage: 0.71, recall: 0.68, groups: [{ name: "money", services: ["billing"], wanted: 0.97, threshold: 0.91 }, { name: "others", services: ["returns"], wanted: 0.95, threshold: null }], escalated: ["returns"], audit_labels: 500, window_from: "2026-10-01", window_to: "2026-11-01", fingerprint: "c", created_at: AT },
  observation: {
    id: 3, candidate: 2, baseline: "rules", baseline_version: null, share: 0.1, slice: 0.1, terms: { precision: 0.95, cost_margin: 0.25, coverage_margin: 0.05, resolution: 0.5, most_judgements: 800, alpha: 0.05 }, escalation_minutes: 1, misroute_minutes: 10, state: "promoted",
    verdict: { state: "sufficient", reasons: [{ code: "precision_certified", params: { certified: 0.96, target: 0.95 } }], cost: sequence(-0.5), coverage: sequence(0.1), more: null },
    figures: { waiting: 0, compared: 200, failed: 0, agreement: 0.8, candidate: side, baseline: side, latency_p50: 12, latency_p95: 30, errors: [], differences: [], due: { disagreements: 40, disagreements_judged: 40, agreements: 16, agreements_judged: 16 } },
    observer: "absent", baseline_holds: true, started_by: "chloe", started_at: AT, decided_at: AT, ended_at: AT,
  },
  data: { snapshot: "f".repeat(64), rows: 700, services: { delivery: 700 }, taken_at: AT, evaluation: "e".repeat(64), controls: 500, accuracy: 0.91, macro_f1: 0.9 },
  lineage: { manifest_hash: "a".repeat(64), artifact_uri: "s3://bucket/model.tar.gz", encoder: "0123456789abcdef", made_at: AT, run: 12, base_model: "bert-base-uncased", hyperparameters: { epochs: "6" }, registry: null },
  drift: [{ kind: "mix", service_id: null, value: 0.2, reference: 0.1, p: 0.001, n: 100, n_reference: 100, is_alarm: true, code: "mix_moved", params: {}, hold_id: null, read_at: AT }],
  cost: { seconds: 300, billed_seconds: 360, amount: 0.05 },
  watches: [{ id: 7, version: 2, state: "rolled_back", promised: 0.95, fewest: 20, known: 25, right: 15, interval: null, found: { code: "precision_below", params: { right: 15, known: 25, promised: 0.95 } }, back_to: 1, hold: null, is_held: false, started_at: AT, looked_at: AT, ended_at: AT }],
} as unknown as Dossier;

let sheet: VueWrapper | undefined;
function words(given: Partial<Dossier> = {}, language: "en" | "fr" = "en"): string {
  sheet = mountWith(DossierSheet, { dossier: { ...GIVEN, ...given } });
  i18n.global.setLocaleMessage(language as never, { en, fr }[language] as never);
  (i18n.global.locale as unknown as { value: string }).value = language;
  return sheet.text().replace(/\s+/g, " ");
}
beforeEach(() => {
  localStorage.clear();
  (i18n.global.locale as unknown as { value: string }).value = "en";
});
afterEach(() => sheet?.unmount());

it("says who decided what, why, and against which objection of the gate", () => {
  const said = words();
  for (const part of ["chloe, ", "dan, ", "“right twice as often”", "Four eyes", "10%, passed", "Version 1", "stopped it", "dan let it go on all the same: “two services are new”"]) expect(said).toContain(part);
});

it("gives the thresholds, the data with their fingerprints, the lineage and the cost", () => {
  const said = words();
  for (const part of ["95%", "0.873", "97% promised, from 0.910", "The other services", "always to people", "Returns", "700", "f".repeat(64), "e".repeat(64), "s3://bucket/model.tar.gz", "bert-base-uncased", "epochs 6", "0.05", "-0.50 (-0.55 – -0.45)"]) expect(said).toContain(part);
});

it("keeps what was compared, what had drifted, and what came of it", () => {
  const said = words();
  for (const part of ["Sufficient", "an escalation costs 1.0 minutes", "in other shares than before", "rolled back by itself: version 1 routes again"]) expect(said).toContain(part);
});

it("says plainly what is missing", () => {
  const said = words({ gate: null, certificate: null, drift: [], watches: [], state: "withdrawn", approved_at: null, approved_by: null } as never);
  for (const part of ["had not judged it", "Nothing was certified", "It had not been looked for", "nobody yet", "It did not come to route"]) expect(said).toContain(part);
});
