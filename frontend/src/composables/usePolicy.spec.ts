import { expect, it } from "vitest";
import { changesOf, type Settings } from "./usePolicy";

const stored: Settings = {
  is_active: true, min_new_labels: 50, minimum_labels: 40, max_age_hours: 168, cron: "", cooldown_minutes: 10,
  max_seconds: 900, epochs: 6, max_failures: 3, monthly_cap: 0, advisor_may_veto: true, audit_target: 1000,
};

it("sends only what was changed, so that two leads do not undo each other", () => {
  expect(changesOf(stored, { ...stored })).toEqual({});
  expect(changesOf(stored, { ...stored, cron: "0 6 * * 1", is_active: false })).toEqual({ cron: "0 6 * * 1", is_active: false });
});
