import { mount } from "@vue/test-utils";
import { VueQueryPlugin } from "@tanstack/vue-query";
import { createPinia } from "pinia";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { createRouter, createMemoryHistory } from "vue-router";
import type { Certificate, Headline, Outlook, VersionGate } from "@/api/types";
import { firstRival, firstShown } from "@/composables/useDashboardView";
import { i18n } from "@/i18n";
import en from "@/locales/en";
import fr from "@/locales/fr";
import GateCard from "./GateCard.vue";
import HeadlineCard from "./HeadlineCard.vue";
import PromiseCard from "./PromiseCard.vue";
import ThresholdCard from "./ThresholdCard.vue";

vi.mock("@/api/endpoints", async (original) => ({
  ...(await original<object>()),
  services: { list: () => Promise.resolve({ results: [] }) },
}));

const CERTIFICATE: Certificate = {
  id: 1, is_spent: false, state: "certified", precision: 0.95, delta: 0.05, level: 0.05, use: null, is_fresh: true, threshold: 0.8, gate: null,
  outlier_weight: 0, surest: 1, audit_labels: 540, window_from: "2026-03-01", window_to: "2026-11-27", coverage: 0.713, coverage_interval: [0.67, 0.75],
  recall: 0.7, recall_interval: [0.66, 0.74], choices: [0.9, 0.8], escalated: [], unheard: [], more_labels: 0, created_at: "2026-11-28T08:00:00Z",
  tests: [{ name: "overall", services: [], wanted: 0.95, accepted: 385, errors: 9, certified: 0.95, more_labels: 0, threshold: null }],
};
const refused = (state: Certificate["state"], more: number | null): Certificate => ({ ...CERTIFICATE, state, threshold: null, coverage: null, choices: [], more_labels: more });
const OUTLOOK = {
  steps: { n: 100, in_scope: 98, threshold: [0.95, 0.9, 0.8, 0.4], routed: [40, 60, 72, 100], right: [40, 59, 70, 80] },
  day: { tickets: 200, minutes_escalation: 2, minutes_misroute: 15 }, threshold: 0.8, choices: [0.9, 0.8], outcome: { minutes_saved: 126 },
} as unknown as Outlook;
const GATE = {
  verdict: {
    id: 1, passed: false, limits: {}, production: 2, created_at: "2026-11-28T08:00:00Z",
    reasons: [
      { code: "low_coverage", params: { value: null, limit: 0.6 }, stops: true },
      { code: "not_certified", params: { state: "too_few_labels", value: null, limit: 0.95, more_labels: 39 }, stops: true },
      { code: "latency_unknown", params: { limit: 500 }, stops: false },
    ],
  },
  observe: { allowed: false, code: "stopped_by_gate", params: {} }, promote: { allowed: false, code: "stopped_by_gate", params: {} },
  overrides: [{ id: 1, purpose: "observe", codes: ["low_coverage"], reason: "Only to watch it for a week", by: "chloe", created_at: "2026-11-28T08:00:00Z" }],
  certificate: null, in_force: null,
} as unknown as VersionGate;

const router = createRouter({ history: createMemoryHistory(), routes: [{ path: "/:rest(.*)*", name: "answers", component: {} }, { path: "/teach", name: "teach", component: {} }] });

function show(component: object, props: object, language: "en" | "fr" = "en") {
  i18n.global.setLocaleMessage(language as never, (language === "en" ? en : fr) as never);
  (i18n.global.locale as unknown as { value: string }).value = language;
  return mount(component, { props, global: { plugins: [createPinia(), i18n, VueQueryPlugin, router], stubs: { RiskChart: true } } });
}
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, " ").replace(/\s+/g, " ");

beforeEach(() => localStorage.clear());

describe("the first sentence", () => {
  const given = { version: 7, certificate: CERTIFICATE, outlook: OUTLOOK, inForce: true, gate: null };

  it("says what is routed, under which promise, and what that saves", () => {
    const text = plain(show(HeadlineCard, given).text());
    expect(text).toContain("Version 7 routes 71% of tickets by itself. At least 95% of those go to the right service: certified on 540 control tickets.");
    expect(text).toContain("That saves people about 63 hours in 30 days.");
  });

  it("does not speak of a version that was never promoted as if it worked already", () => {
    const text = plain(show(HeadlineCard, { ...given, inForce: false }).text());
    expect(text).toContain("would route");
    expect(text).toContain("none of this happens yet");
    expect(plain(show(HeadlineCard, { ...given, inForce: false, gate: GATE }).text())).toContain("not allowed to yet: routes too few, not certified");
  });

  it("promises nothing without a certificate, and says what is missing", () => {
    const text = plain(show(HeadlineCard, { ...given, certificate: refused("too_few_labels", 39) }).text());
    expect(text).toContain("Version 7 routes nothing by itself: every ticket goes to a person.");
    expect(text).toContain("About 39 more control labels are needed.");
    expect(text).not.toContain("hours");
    expect(text).not.toContain("certified on");
  });
});

describe("the promise", () => {
  it("is told with its grounds and its intervals", () => {
    const text = plain(show(PromiseCard, { certificate: CERTIFICATE, inForce: false }).text());
    expect(text).toContain("Certified: at least 95% of what is routed goes to the right service.");
    expect(text).toContain("it routesbetween 67 and 75%");
    expect(text).toContain("9 of 385");
    expect(plain(show(PromiseCard, { certificate: CERTIFICATE, inForce: false }, "fr").text())).toContain("entre 67 et 75 %");
  });

  it("sends to Teach where labels would help, and only there", () => {
    expect(show(PromiseCard, { certificate: refused("too_few_labels", 39), inForce: false }).find("a").exists()).toBe(true);
    const errs = show(PromiseCard, { certificate: refused("too_many_errors", null), inForce: false });
    expect(errs.find("a").exists()).toBe(false);
    expect(errs.text()).toContain("more control tickets will not help");
  });
});

describe("the threshold slider", () => {
  const given = { version: 7, outlook: OUTLOOK, certificate: CERTIFICATE };

  it("starts at the certified threshold and says the promise, not what was seen", () => {
    const card = show(ThresholdCard, given);
    const text = plain(card.text());
    expect(text).toContain("Certified. 72% of tickets are routed by themselves, and at least 95% of those go to the right service.");
    expect(text).toContain("144 a day");
    expect(text).toContain("Expected misroutes");
    expect(plain(card.get("input").attributes("aria-valuetext")!)).toContain("at least 95%");
  });

  it("never lets an uncertified place look like a promise", async () => {
    const card = show(ThresholdCard, given);
    await card.get("input").setValue(4);
    const text = plain(card.text());
    expect(text).toContain("Not certified: it would not be allowed.");
    expect(text).toContain("Misroutes as seen, not promised");
    expect(text).not.toContain("at least 95%");
    await card.findAll("button").find((button) => button.text().startsWith("Back"))!.trigger("click");
    expect(card.text()).toContain("Certified.");
  });

  it("starts where nothing is routed when nothing is certified", () => {
    const text = plain(show(ThresholdCard, { ...given, outlook: { ...OUTLOOK, threshold: null, choices: [] }, certificate: null }).text());
    expect(text).toContain("Nothing is routed: every ticket goes to a person.");
    expect(text).toContain("Escalated to a person200a day");
  });

  it("counts of 100 tickets while none arrived by the day", () => {
    const text = plain(show(ThresholdCard, { ...given, outlook: { ...OUTLOOK, day: { ...OUTLOOK.day, tickets: 0 } } }).text());
    expect(text).toContain("72 of 100 tickets");
    expect(text).toContain("28of 100 tickets");
  });
});

describe("the gate", () => {
  it("says every reason in words, those that stop before those to know", () => {
    const text = plain(show(GateCard, { version: 7, gate: GATE }).text());
    expect(text).toContain("It routes no ticket by itself, as nothing is certified; at least 60% are asked for.");
    expect(text).toContain("It is not certified that 95% of what is routed goes right. There are too few control tickets to promise anything. About 39 more control labels are needed.");
    expect(text.indexOf("39 more")).toBeLessThan(text.indexOf("at most 500 ms"));
  });

  it("names who decided against it, and why", () => {
    const text = plain(show(GateCard, { version: 7, gate: GATE }).text());
    expect(text).toContain("chloe let it be observed");
    expect(text).toContain("Only to watch it for a week");
    expect(text).toContain("Against: routes too few");
  });

  it("has words in both languages for every reason the server knows", () => {
    const codes = ["no_labels", "unusable_answers", "low_accuracy", "not_certified", "low_recall", "low_coverage", "badly_calibrated", "worse_for_service", "slow", "service_lost", "maybe_worse_for_service", "too_few_to_compare", "unheard_services", "latency_unknown"];
    for (const messages of [en, fr]) for (const code of codes) expect((messages as never)["dashboard"]["reason"]).toHaveProperty(code);
  });
});

describe("the version shown first", () => {
  const version = (number: number, n: number | null) => ({ version: number, evaluation: n === null ? null : { n } }) as Headline;

  it("is the newest that was measured, beside the measured one before it", () => {
    const versions = [version(1, 40), version(2, null), version(3, 50), version(4, 0)];
    expect(firstShown(versions)).toBe(3);
    expect(firstRival(versions, 3)).toBe(1);
    expect(firstRival(versions, 1)).toBeNull();
    expect(firstShown([version(1, null)])).toBe(1);
    expect(firstShown([])).toBeNull();
  });
});
