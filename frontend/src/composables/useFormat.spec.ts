import { expect, it } from "vitest";
import { relativeTime } from "./useFormat";

it("says how long ago in the person's language", () => {
  const now = Date.UTC(2026, 0, 10, 12);
  expect(relativeTime("fr", now - 3 * 86_400_000, now).replace(/\s/g, " ")).toBe("il y a 3 j");
  expect(relativeTime("en", now - 26 * 60_000, now)).toBe("26 min. ago");
  expect(relativeTime("en", now - 4_000, now)).toBe("now");
});
