/** A run's points, sorted into the lines of its charts. */
import type { RunDetail } from "@/api/types";

export interface Point {
  step: number;
  value: number;
}
export interface Series {
  name: string;
  label: string;
  points: Point[];
}

export function seriesOf(metrics: RunDetail["metrics"], names: string[], label: (name: string) => string): Series[] {
  return names
    .map((name) => ({
      name,
      label: label(name),
      points: metrics.filter((point) => point.name === name).map(({ step, value }) => ({ step, value })).sort((a, b) => a.step - b.step),
    }))
    .filter((one) => one.points.length > 0);
}

/** Only fine-tuning has a training loss; the quick head before it is measured on held-back tickets alone. */
export const wasTuned = (metrics: RunDetail["metrics"]): boolean => metrics.some((point) => point.name === "train_loss");
