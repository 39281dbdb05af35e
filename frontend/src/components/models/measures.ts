/** What a report says, worked out for the page: no figure is made up here, only compared and sorted. */
import type { Confusion, Interval } from "@/api/types";

/** From how many control tickets on a figure is worth reading without its interval. */
export const ENOUGH_CONTROLS = 200;

export type Trust = "honest" | "fair" | "off" | "none";
/** The mean gap between stated confidence and what came true, as a word. */
export function trustOf(ece: number | null): Trust {
  if (ece === null) return "none";
  return ece < 0.05 ? "honest" : ece < 0.1 ? "fair" : "off";
}

export interface Comparison {
  key: "better" | "worse" | "same";
  /** Percentage points, rounded. */
  points: number;
  /** The intervals overlap: the difference may be chance. */
  isUnsure: boolean;
}

interface Measured {
  accuracy: number | null;
  accuracy_interval: Interval;
}

export function compare(now: Measured, before: Measured): Comparison | null {
  if (now.accuracy === null || before.accuracy === null) return null;
  const points = Math.round((now.accuracy - before.accuracy) * 100);
  const [a, b] = [now.accuracy_interval, before.accuracy_interval];
  const isUnsure = points !== 0 && (!a || !b || (a[0]! <= b[1]! && b[0]! <= a[1]!));
  return { key: points > 0 ? "better" : points < 0 ? "worse" : "same", points: Math.abs(points), isUnsure };
}

export interface Confused {
  truth: string;
  said: string;
  n: number;
}

/** Cells off the diagonal, most frequent first. */
export function worstOf(confusion: Confusion, most = 5): Confused[] {
  const cells: Confused[] = [];
  confusion.rows_true_columns_predicted.forEach((row, i) =>
    row.forEach((n, j) => {
      if (i !== j && n > 0) cells.push({ truth: confusion.labels[i]!, said: confusion.labels[j]!, n });
    }),
  );
  return cells.sort((a, b) => b.n - a.n).slice(0, most);
}

/** Where an arrow key leads from a cell of a square table; the edge holds. */
export function step(at: [number, number], key: string, size: number): [number, number] | null {
  const moves: Record<string, [number, number]> = {
    ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -size], End: [0, size],
  };
  const move = moves[key];
  if (!move) return null;
  const clamp = (value: number) => Math.min(size - 1, Math.max(0, value));
  return [clamp(at[0] + move[0]), clamp(at[1] + move[1])];
}
