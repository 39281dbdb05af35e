import { expect, it } from "vitest";
import type { Loop } from "@/api/types";
import { BUSY_MS, CALM_MS, loopPace } from "./useLiveLoop";

const calm = { run: null, active: null, learner: { behind: 0 } } as unknown as Loop;

it("is read often only while a training, a transform or the learner is at work", () => {
  expect(loopPace(undefined)).toBe(CALM_MS);
  expect(loopPace(calm)).toBe(CALM_MS);
  expect(loopPace({ ...calm, active: "evaluate>label" })).toBe(BUSY_MS);
  expect(loopPace({ ...calm, run: { id: 1, state: "running", phase: "", progress: null } })).toBe(BUSY_MS);
  expect(loopPace({ ...calm, learner: { ...calm.learner!, behind: 2 } })).toBe(BUSY_MS);
});
