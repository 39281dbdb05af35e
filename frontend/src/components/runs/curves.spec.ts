import { describe, expect, it } from "vitest";
import { isLive, secondsOf, toneOf } from "@/composables/useRunWords";
import { seriesOf, wasTuned } from "./curves";

const points = [
  { step: 20, name: "train_loss", value: 1.2 },
  { step: 0, name: "validation_accuracy", value: 0.7 },
  { step: 5, name: "train_loss", value: 2.1 },
];

describe("a run's curves", () => {
  it("are drawn in the order of the steps, and only those that have points", () => {
    const series = seriesOf(points, ["train_loss", "validation_loss"], (name) => name);
    expect(series).toEqual([{ name: "train_loss", label: "train_loss", points: [{ step: 5, value: 2.1 }, { step: 20, value: 1.2 }] }]);
  });

  it("say nothing of fine-tuning when only the quick head was measured", () => {
    expect(wasTuned(points)).toBe(true);
    expect(wasTuned(points.filter((point) => point.name === "validation_accuracy"))).toBe(false);
  });
});

describe("a run's time", () => {
  it("runs from its start to its end, or to now", () => {
    const run = { started_at: "2026-03-01T10:00:00Z", ended_at: null };
    expect(secondsOf(run, Date.parse("2026-03-01T10:01:30Z"))).toBe(90);
    expect(secondsOf({ ...run, ended_at: "2026-03-01T10:00:42Z" })).toBe(42);
    expect(secondsOf({ started_at: null, ended_at: null })).toBeNull();
  });

  it("is over in four states, and only two of them are bad news", () => {
    expect((["planned", "submitting", "running", "stopping"] as const).every((state) => isLive({ state }))).toBe(true);
    expect((["succeeded", "failed", "stopped", "timed_out"] as const).map(toneOf)).toEqual(["good", "alarm", "neutral", "alarm"]);
  });
});
