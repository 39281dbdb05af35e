import { expect, it } from "vitest";
import { createStopwatch } from "./useStopwatch";

it("does not count the time the page was hidden", () => {
  let now = 0;
  const watch = createStopwatch(() => now);
  now = 1_000;
  watch.pause();
  now = 60_000;
  watch.resume();
  now = 60_500;
  expect(watch.read()).toBe(1_500);
  watch.restart();
  expect(watch.read()).toBe(0);
});
