import { describe, expect, it } from "vitest";
import { outcome, startOf, stops, wilson } from "./outlook";

/** 10 control tickets: 4 routed rightly, then one wrong, then five more of which two wrong. */
const STEPS = { n: 10, in_scope: 10, threshold: [0.99, 0.9, 0.8, 0.5], routed: [1, 4, 5, 10], right: [1, 4, 4, 7] };
const DAY = { tickets: 100, minutes_escalation: 2, minutes_misroute: 15 };

describe("the places of the slider", () => {
  it("go from nothing routed to everything, certified ones among them", () => {
    const all = stops({ steps: STEPS, choices: [0.85, 0.9] });
    expect(all.map((one) => one.threshold)).toEqual([null, 0.99, 0.9, 0.85, 0.8, 0.5]);
    expect(all.map((one) => one.isCertified)).toEqual([false, false, true, true, false, false]);
    expect(all[3]).toMatchObject({ routed: 4, right: 4 });
    for (const [at, one] of all.entries()) expect(one.routed).toBeGreaterThanOrEqual(all[at - 1]?.routed ?? 0);
  });

  it("leave out thresholds between two certified ones, as nothing was tested there", () => {
    expect(stops({ steps: STEPS, choices: [0.5, 0.95] }).map((one) => one.threshold)).toEqual([null, 0.99, 0.95, 0.5]);
  });

  it("are all uncertified without a certificate, and the slider then starts where nothing is routed", () => {
    const all = stops({ steps: STEPS, choices: [] });
    expect(all.some((one) => one.isCertified)).toBe(false);
    expect(startOf(all, null)).toBe(0);
    expect(all[0]).toMatchObject({ threshold: null, routed: 0 });
  });

  it("start at the certificate's own threshold, not at the first certified one", () => {
    const all = stops({ steps: STEPS, choices: [0.9, 0.85] });
    expect(all[startOf(all, 0.85)]?.threshold).toBe(0.85);
  });

  it("stay few enough for a keyboard, first and last kept", () => {
    const many = Array.from({ length: 900 }, (_, at) => 1 - at / 900);
    const all = stops({ steps: { n: 900, in_scope: 900, threshold: many, routed: many.map((_, at) => at + 1), right: many.map((_, at) => at) }, choices: [] });
    expect(all.length).toBeLessThanOrEqual(61);
    expect([all[1]?.threshold, all.at(-1)?.routed]).toEqual([1, 900]);
  });
});

describe("a day at a threshold", () => {
  const at = (threshold: number | null) => outcome(stops({ steps: STEPS, choices: [] }).find((one) => one.threshold === threshold)!, 10, DAY);

  it("is counted as the API counts it", () => {
    const found = at(0.8);
    expect(found).toMatchObject({ coverage: 0.5, routed: 50, escalated: 50, precision: 0.8, misroutes: 10 });
    expect(found.minutesSaved).toBeCloseTo(100 * 0.5 * 2 - 10 * 15);
  });

  it("says how many misroutes the control tickets allow for, even where none was seen", () => {
    const found = at(0.9);
    expect(found.misroutes).toBe(0);
    expect(found.misroutesBetween?.[1]).toBeGreaterThan(10);
  });

  it("expects no more misroutes than the promise allows, where there is one", () => {
    const [low, high] = outcome({ threshold: 0.8, routed: 500, right: 480, isCertified: true }, 1000, DAY, 0.95).misroutesBetween!;
    expect(high).toBeCloseTo(0.05 * 100 * 0.5);
    expect(low).toBeLessThan(high!);
  });

  it("routes nothing, and claims no precision, where nothing is routed", () => {
    expect(at(null)).toMatchObject({ coverage: 0, escalated: 100, precision: null, misroutesBetween: null, minutesSaved: 0 });
  });
});

it("gives the interval that the server gives", () => {
  expect(wilson(0, 0)).toBeNull();
  expect(wilson(45, 50)![0]).toBeCloseTo(0.7864, 3);
  expect(wilson(45, 50)![1]).toBeCloseTo(0.9565, 3);
});
