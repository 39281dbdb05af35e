import { expect, it } from "vitest";
import type { GateSettings } from "@/api/types";
import { draftOf, gateChanges } from "./useGateSettings";

const STORED = { precision: 0.95, min_accuracy: 0.8, min_recall: null, min_coverage: 0.57, max_calibration_error: 0.1, max_worse: 0.05, max_latency_ms: 500, minutes_escalation: 2, minutes_misroute: 15 } as GateSettings;

it("shows shares as percent and what is not asked as nothing", () => {
  expect(draftOf(STORED)).toMatchObject({ precision: "95", min_coverage: "57", min_recall: "", max_worse: "5", max_latency_ms: "500", minutes_escalation: "2" });
});

it("sends only what was changed, in the server's units", () => {
  const before = draftOf(STORED);
  expect(gateChanges(before, { ...before })).toEqual({});
  expect(gateChanges(before, { ...before, precision: "97,5", min_accuracy: "", minutes_misroute: "20" })).toEqual({ precision: 0.975, min_accuracy: null, minutes_misroute: 20 });
});
