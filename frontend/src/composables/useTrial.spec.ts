import { expect, it } from "vitest";
import type { TryResult } from "@/api/types";
import { againAfter } from "./useTrial";

it("asks again only while the model is starting or there is none", () => {
  const result = (state: TryResult["state"]) => ({ state }) as TryResult;
  expect(againAfter(result("starting"))).toBeGreaterThan(0);
  expect(againAfter(result("no_model"))).toBeGreaterThan(0);
  expect(againAfter(result("ready"))).toBe(false);
  expect(againAfter(undefined)).toBe(false);
});
