import { flushPromises, mount } from "@vue/test-utils";
import { VueQueryPlugin } from "@tanstack/vue-query";
import { createPinia } from "pinia";
import { beforeEach, expect, it, vi } from "vitest";
import { drift } from "@/api/endpoints";
import type { Drift, DriftReading } from "@/api/types";
import { i18n } from "@/i18n";
import en from "@/locales/en";
import fr from "@/locales/fr";
import DriftCard from "./DriftCard.vue";

vi.mock("@/api/endpoints", async (original) => ({
  ...(await original<object>()),
  services: { list: () => Promise.resolve({ results: [{ id: 4, code: "returns", name: "Returns", position: 1, is_active: true }] }) },
  drift: { read: vi.fn(), check: vi.fn(), endHold: vi.fn(() => Promise.resolve()), series: () => Promise.resolve({ kind: "escalation", points: [] }) },
}));

const reading = (given: Partial<DriftReading>): DriftReading => ({ kind: "input", service_id: null, code: "steady", params: {}, hold_id: null, is_alarm: false, read_at: "2026-11-28T08:00:00Z", value: 0.4, reference: 0.3, ...given });
const FOUND: Drift = {
  read_at: "2026-11-28T08:00:00Z", version: 4,
  readings: [
    reading({ kind: "unlike", code: "too_few", params: { have: 12, needed: 100 } }),
    reading({ kind: "mix", code: "mix_moved", is_alarm: true, value: 0.2, params: { services: [{ service: "returns", before: 0.1, now: 0.3 }] } }),
    reading({ kind: "precision", code: "service_precision_broken", is_alarm: true, service_id: 4, reference: 0.95, params: { right: 20, total: 30, days: 28 } }),
  ],
  holds: [{ id: 9, service_id: 4, reason: "Drift", started_by: "", started_at: "2026-11-28T08:00:00Z" }],
};

async function card() {
  vi.mocked(drift.read).mockResolvedValue(FOUND);
  i18n.global.setLocaleMessage("en" as never, en as never);
  (i18n.global.locale as unknown as { value: string }).value = "en";
  const shown = mount(DriftCard, { global: { plugins: [createPinia(), i18n, VueQueryPlugin], stubs: { DriftChart: true, RouterLink: true } } });
  await flushPromises();
  return shown;
}

beforeEach(() => localStorage.clear());

it("says what was found, and at an alarm what to do", async () => {
  const text = (await card()).text().replace(/\s+/g, " ");
  expect(text).toContain("too few tickets to say (12 of 100).");
  expect(text).toContain("in other shares than before (20% moved): Returns from 10% to 30%. Look whether");
  expect(text).toContain("Returns: only 20 of 30 control tickets in 28 days went right; 95% is promised.");
  expect(text).toContain("Returns is held back");
});

it("asks before a service is routed again", async () => {
  const shown = await card();
  const press = (name: string) => shown.findAll("button").find((button) => button.text() === name)!.trigger("click");
  await press("Route again");
  expect(drift.endHold).not.toHaveBeenCalled();
  await press("Route again");
  await flushPromises();
  expect(vi.mocked(drift.endHold).mock.calls[0]?.[0]).toBe(9);
});

it("has words for every finding the server knows, and what to do at each alarm", () => {
  for (const messages of [en, fr]) {
    const words = (messages as never)["dashboard"]["drift"] as Record<string, Record<string, string>>;
    for (const code of ["no_model", "too_few", "nothing_routed", "steady"]) expect(words.any).toHaveProperty(code);
    for (const code of ["input_moved", "unlike_snapshot", "mix_moved", "escalations_up", "escalations_down", "precision_broken", "service_precision_broken"]) {
      expect(words.do).toHaveProperty(code);
      expect(["input", "unlike", "mix", "escalation", "precision"].some((kind) => code in words[kind]!)).toBe(true);
    }
  }
});
