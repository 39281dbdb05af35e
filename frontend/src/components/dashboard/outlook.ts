/** What each place of the threshold slider means. The sums are those the API states for its `Outlook`. */
import type { Day, Interval, Outlook } from "@/api/types";

/** A place of the slider. `isCertified`: the promise holds for exactly this threshold. `threshold` null: nothing is routed. */
export interface Stop {
  threshold: number | null;
  routed: number;
  right: number;
  isCertified: boolean;
}

const MOST_ON_A_SIDE = 60;
const Z95 = 1.959963984540054;

/**
 * From cautious to bold: nothing routed, then stricter thresholds than the certified ones, the certified, and looser
 * ones. Between two certified thresholds there is no place: nothing was tested there.
 */
export function stops(outlook: Pick<Outlook, "steps" | "choices">): Stop[] {
  const { steps, choices } = outlook;
  const certified = [...choices].sort((a, b) => b - a).map((threshold) => ({ threshold, ...countAt(steps, threshold), isCertified: true }));
  const others = steps.threshold.map((threshold, at) => ({ threshold, routed: steps.routed[at]!, right: steps.right[at]!, isCertified: false }));
  const [strictest, loosest] = [certified[0]?.threshold ?? Infinity, certified.at(-1)?.threshold ?? Infinity];
  return [
    { threshold: null, routed: 0, right: 0, isCertified: false },
    ...thinned(others.filter((one) => certified.length > 0 && one.threshold > strictest)),
    ...certified,
    ...thinned(others.filter((one) => one.threshold < loosest)),
  ];
}

function countAt(steps: Outlook["steps"], threshold: number): { routed: number; right: number } {
  const reached = steps.threshold.filter((one) => one >= threshold).length;
  return reached ? { routed: steps.routed[reached - 1]!, right: steps.right[reached - 1]! } : { routed: 0, right: 0 };
}

/** Evenly chosen, first and last kept. */
function thinned<T>(all: T[]): T[] {
  if (all.length <= MOST_ON_A_SIDE) return all;
  const places = Array.from({ length: MOST_ON_A_SIDE }, (_, at) => Math.round((at * (all.length - 1)) / (MOST_ON_A_SIDE - 1)));
  return [...new Set(places)].map((at) => all[at]!);
}

/** Where the slider starts: at the threshold in the certificate, else where nothing is routed. */
export function startOf(all: Stop[], threshold: number | null): number {
  return threshold === null ? 0 : Math.max(0, all.findIndex((one) => one.isCertified && one.threshold === threshold));
}

/** Shares of the control tickets with 95 % intervals, and what `tickets` of them in a day would bring. */
export interface Outcome {
  coverage: number;
  routed: number;
  escalated: number;
  precision: number | null;
  precisionInterval: Interval;
  /** Misroutes: as seen, and from fewest to most that the control tickets allow for. */
  misroutes: number;
  misroutesBetween: Interval;
  minutesSaved: number;
}

/** `promise`: the precision certified here, which bounds the misroutes better than the tickets alone; null: none is. */
export function outcome(stop: Stop, n: number, day: Day, promise: number | null = null, tickets = day.tickets): Outcome {
  const coverage = n ? stop.routed / n : 0;
  const wrong = stop.routed - stop.right;
  const between = wilson(wrong, stop.routed);
  const misroutes = n ? (tickets * wrong) / n : 0;
  return {
    coverage,
    routed: tickets * coverage,
    escalated: tickets * (1 - coverage),
    precision: stop.routed ? stop.right / stop.routed : null,
    precisionInterval: wilson(stop.right, stop.routed),
    misroutes,
    misroutesBetween: between && between.map((share) => Math.min(share, 1 - (promise ?? 0)) * tickets * coverage),
    minutesSaved: tickets * coverage * day.minutes_escalation - misroutes * day.minutes_misroute,
  };
}

/** Wilson score interval, 95 %; null for n = 0. Source: Wilson 1927. */
export function wilson(successes: number, n: number): Interval {
  if (!n) return null;
  const share = successes / n;
  const z2 = Z95 * Z95;
  const middle = share + z2 / (2 * n);
  const half = Z95 * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n));
  const scale = 1 + z2 / n;
  return [Math.max(0, (middle - half) / scale), Math.min(1, (middle + half) / scale)];
}
