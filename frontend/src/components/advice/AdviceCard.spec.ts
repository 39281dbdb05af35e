import { mount } from "@vue/test-utils";
import { VueQueryPlugin } from "@tanstack/vue-query";
import { createPinia } from "pinia";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Advice } from "@/api/types";
import { halfWidth } from "@/composables/useAdviceWords";
import { i18n } from "@/i18n";
import en from "@/locales/en";
import fr from "@/locales/fr";
import AdviceCard from "./AdviceCard.vue";
import { band, range, scales } from "./curve";

vi.mock("@/api/endpoints", async (original) => ({
  ...(await original<object>()),
  services: { list: () => Promise.resolve({ results: [] }) },
}));

const FIGURES: Advice["figures"] = {
  labels: 500, step: 100, kappas: [0.983, 0.985, 0.975], is_stable: false, uncertain: 0.128, uncertain_tickets: 820, coverage: 0.835,
  coverage_gain: 0.0209, controls: 88, controls_missing: 0, rounds_missing: 0, accuracy: 0.872, noise: 0.0345,
  gain: { value: 0.0042, low: 0.001, high: 0.0081 }, scarce: [], training: null,
  points: [{ labels: 100, accuracy: 0.7, low: null, high: null }, { labels: 500, accuracy: 0.872, low: null, high: null }],
  forecast: [{ labels: 500, accuracy: 0.87, low: 0.85, high: 0.89 }, { labels: 750, accuracy: 0.89, low: 0.86, high: 0.92 }],
};
const advice = (code: Advice["code"], figures: Partial<Advice["figures"]> = {}, vetoes = false): Advice => ({
  code, figures: { ...FIGURES, ...figures }, vetoes_training: vetoes, created_at: "2026-03-01T08:00:00Z",
});

function says(given: Advice | null, language: "en" | "fr" = "en"): string {
  i18n.global.setLocaleMessage(language as never, (language === "en" ? en : fr) as never);
  (i18n.global.locale as unknown as { value: string }).value = language;
  return mount(AdviceCard, { props: { advice: given }, global: { plugins: [createPinia(), i18n, VueQueryPlugin] } })
    .text()
    .replace(/[\u00a0\u202f]/g, " ");
}

describe("the advice", () => {
  beforeEach(() => localStorage.clear());

  it("says what the next labels are worth, in points, with the figures behind it", () => {
    const text = says(advice("label_on"));
    expect(text).toContain("Label on: the next 100 labels are worth about 0.4 points.");
    expect(text).toContain("0.4 points (between 0.1 and 0.8)");
    expect(text).toContain("3.5 points on 88 control tickets");
    expect(text).toContain("0.983 · 0.985 · 0.975 — still moving");
    expect(says(advice("label_on"), "fr")).toContain("les 100 prochains exemples valent environ 0,4 point.");
  });

  it("says before there is evidence that there is none, and what brings it", () => {
    expect(says(null)).toContain("No advice yet");
    const text = says(advice("label_on", { gain: null, noise: null, controls: 19, controls_missing: 31, points: [], forecast: [] }));
    expect(text).toContain("not known yet");
    expect(text).toContain("31 more control tickets are needed");
    expect(text).not.toContain("0 points");
    expect(says(advice("label_on", { gain: null, rounds_missing: 1 }))).toContain("1 more round of 25 labels is needed");
  });

  it("names the controls that are missing when all else says stop", () => {
    expect(says(advice("label_on", { is_stable: true, controls_missing: 12 }))).toContain("12 control tickets are missing to say whether to stop");
    expect(says(advice("ask_for_tickets", { is_stable: true, controls_missing: 12 }))).toContain("12 more control tickets are needed");
  });

  it("asks for tickets, of a service where one is scarce", () => {
    expect(says(advice("ask_for_tickets"))).toContain("Ask for new tickets: the model is sure");
    expect(says(advice("ask_for_tickets", { scarce: ["a", "b", "c", "d"] }))).toContain("new tickets of a, b, c, …:");
  });

  it("tells what a training would gain, why it is held back and from when it is worth it", () => {
    const training = { version: 3, gain: 0.002, noise: 0.011, new: 60, worth_from: 180 };
    const text = says(advice("stop", { training }, true));
    expect(text).toContain("Enough labelled");
    expect(text).toContain("A training now would gain about 0.2 points over version 3, less than the 1.1 points that chance makes up.");
    expect(text).toContain("from 180 new labels on; there are 60");
    expect(says(advice("stop", { training: { ...training, gain: 0.02 } }))).toContain("more than the 1.1 points");
    expect(says(advice("stop", { training: { ...training, new: 0 } }, true))).not.toContain("A training now");
  });
});

describe("the curve", () => {
  it("draws the band along its upper edge and back along the lower one, inside the frame", () => {
    const drawn = scales(FIGURES.points, FIGURES.forecast, { width: 400, height: 160, left: 40, bottom: 20 });
    const corners = band(FIGURES.forecast, drawn.x, drawn.y).split(" ").map((corner) => corner.split(",").map(Number));
    expect(corners).toHaveLength(4);
    expect(corners[0]?.[0]).toBe(corners[3]?.[0]);
    expect(corners[0]?.[1]).toBeLessThan(corners[3]?.[1] ?? 0);
    for (const [x, y] of corners) {
      expect(x).toBeGreaterThanOrEqual(40);
      expect(x).toBeLessThanOrEqual(400);
      expect(y).toBeGreaterThanOrEqual(0);
      expect(y).toBeLessThanOrEqual(140);
    }
  });

  it("has room to draw in even where nothing moves", () => {
    const flat = [{ labels: 10, accuracy: 1, low: null, high: null }];
    const [low, high] = range(flat, []);
    expect(high - low).toBeGreaterThan(0.03);
  });
});

it("knows an accuracy better with more controls: 1,000 within 1.4 points at 95 %", () => {
  expect(halfWidth(0.95, 1000)).toBeCloseTo(0.0136, 3);
  expect(halfWidth(0.9, 250)).toBeCloseTo(2 * halfWidth(0.9, 1000), 2);
  expect(halfWidth(1, 20)).toBeGreaterThan(0.05);
});
