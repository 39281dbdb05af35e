import { describe, expect, it } from "vitest";
import { compare, step, trustOf, worstOf } from "./measures";

describe("a version against the one before", () => {
  const before = { accuracy: 0.5, accuracy_interval: [0.4, 0.6] };

  it("is better or worse by points, and unsure while the intervals overlap", () => {
    expect(compare({ accuracy: 0.56, accuracy_interval: [0.46, 0.66] }, before)).toEqual({ key: "better", points: 6, isUnsure: true });
    expect(compare({ accuracy: 0.8, accuracy_interval: [0.7, 0.87] }, before)).toEqual({ key: "better", points: 30, isUnsure: false });
    expect(compare({ accuracy: 0.2, accuracy_interval: [0.1, 0.3] }, before)).toEqual({ key: "worse", points: 30, isUnsure: false });
    expect(compare({ accuracy: 0.5, accuracy_interval: [0.4, 0.6] }, before)).toEqual({ key: "same", points: 0, isUnsure: false });
  });

  it("is not compared when one of them was never measured", () => {
    expect(compare({ accuracy: null, accuracy_interval: null }, before)).toBeNull();
  });
});

it("calls a confidence honest, fair or off by how far it is from what came true", () => {
  expect([0.01, 0.07, 0.13, null].map(trustOf)).toEqual(["honest", "fair", "off", "none"]);
});

it("names the worst confusions, never the right answers", () => {
  const confusion = { labels: ["a", "b"], rows_true_columns_predicted: [[9, 2], [5, 1]] };
  expect(worstOf(confusion)).toEqual([{ truth: "b", said: "a", n: 5 }, { truth: "a", said: "b", n: 2 }]);
  expect(worstOf(confusion, 1)).toHaveLength(1);
});

it("moves through the table with the arrow keys and stays inside", () => {
  expect(step([0, 0], "ArrowDown", 3)).toEqual([1, 0]);
  expect(step([0, 0], "ArrowUp", 3)).toEqual([0, 0]);
  expect(step([1, 0], "End", 3)).toEqual([1, 2]);
  expect(step([0, 0], "a", 3)).toBeNull();
});
