/** Where the points of a learning curve and its forecast lie in a drawing. */
import type { CurvePoint } from "@/api/types";

export interface Frame {
  width: number;
  height: number;
  left: number;
  bottom: number;
}

/** Accuracies from a round figure below the lowest to one above the highest, at least four points apart, within 0 and 1. */
export function range(points: CurvePoint[], forecast: CurvePoint[]): [number, number] {
  const all = [...points, ...forecast].flatMap((one) => [one.accuracy, one.low ?? one.accuracy, one.high ?? one.accuracy]);
  const low = Math.max(0, Math.floor(Math.min(...all) * 20) / 20);
  const high = Math.min(1, Math.ceil(Math.max(...all) * 20) / 20);
  return high - low < 0.04 ? [Math.max(0, high - 0.05), high] : [low, high];
}

export function scales(points: CurvePoint[], forecast: CurvePoint[], frame: Frame) {
  const most = Math.max(1, ...points.map((one) => one.labels), ...forecast.map((one) => one.labels));
  const [low, high] = range(points, forecast);
  const x = (labels: number) => frame.left + ((frame.width - frame.left - 8) * labels) / most;
  const y = (share: number) => frame.height - frame.bottom - ((frame.height - frame.bottom - 10) * (share - low)) / (high - low || 1);
  return { x, y, low, high, most };
}

const at = (x: number, y: number) => `${x.toFixed(1)},${y.toFixed(1)}`;

export function path(points: CurvePoint[], x: (labels: number) => number, y: (share: number) => number): string {
  return points.map((one) => at(x(one.labels), y(one.accuracy))).join(" ");
}

/** The outline of the forecast's band: along its upper edge and back along the lower one. */
export function band(forecast: CurvePoint[], x: (labels: number) => number, y: (share: number) => number): string {
  const upper = forecast.map((one) => at(x(one.labels), y(one.high ?? one.accuracy)));
  const lower = forecast.map((one) => at(x(one.labels), y(one.low ?? one.accuracy)));
  return [...upper, ...lower.reverse()].join(" ");
}
