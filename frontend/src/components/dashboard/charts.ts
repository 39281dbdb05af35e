/** What each chart draws, from figures alone. Words and formats come from the caller, colours from the palette. */
import type { Interval } from "@/api/types";
import type { EChartsCoreOption } from "./echarts";
import type { Palette } from "./palette";

type Show = (value: number) => string;
interface Pointed {
  dataIndex: number;
  seriesId?: string;
}

export interface Axis {
  name: string;
  show: Show;
  min?: number;
  max?: number;
  interval?: number;
}

/** The whole of a share, at even steps. */
export const shares = (name: string, show: Show): Axis => ({ name, show, min: 0, max: 1, interval: 0.2 });

/** From 0 to a round share from `top` on. */
export function sharesTo(name: string, show: Show, top: number): Axis {
  const interval = [0.01, 0.02, 0.05, 0.1].find((step) => top <= step * 5) ?? 0.2;
  return { name, show, min: 0, max: Math.min(1, Math.ceil(top / interval) * interval), interval };
}

/** One mark: where it is, what it may really be, and what the tooltip says of it. */
export interface Mark {
  x: number | string;
  y: number;
  interval?: Interval;
  says: string;
}

const GRID = { left: 8, right: 20, top: 34, bottom: 34, containLabel: true };

function axis(of: Axis, colours: Palette, isX: boolean): EChartsCoreOption {
  return {
    type: "value",
    name: of.name,
    nameLocation: isX ? "middle" : "end",
    nameGap: isX ? 28 : 12,
    min: of.min,
    max: of.max,
    nameTextStyle: { color: colours.muted, align: isX ? "center" : "left" },
    axisLabel: { color: colours.faint, formatter: of.show, hideOverlap: true },
    axisLine: { show: isX, lineStyle: { color: colours["line-strong"] } },
    axisTick: { show: false },
    splitLine: { show: !isX, lineStyle: { color: colours.line } },
    splitNumber: 4,
    interval: of.interval,
  };
}

function base(x: EChartsCoreOption, y: EChartsCoreOption, colours: Palette, says: (at: Pointed) => string): EChartsCoreOption {
  return {
    animation: false,
    textStyle: { fontFamily: colours.font, fontSize: 12, color: colours.muted },
    grid: GRID,
    tooltip: {
      trigger: "item",
      renderMode: "richText",
      confine: true,
      backgroundColor: colours.surface,
      borderColor: colours["line-strong"],
      textStyle: { color: colours.ink, fontSize: 12, fontFamily: colours.font },
      formatter: says,
    },
    xAxis: x,
    yAxis: y,
  };
}

/** On a line of its own above the name of the upright axis, so that they do not meet on a phone. */
const legend = (colours: Palette, data: string[]): EChartsCoreOption => ({
  legend: { top: 0, right: 0, textStyle: { color: colours.muted }, itemWidth: 22, selectedMode: false, data },
  grid: { ...GRID, top: 58 },
});

interface Api {
  value: (at: number) => number;
  coord: (at: [number | string, number]) => [number, number];
}

/** Thin lines from low to high behind the marks. */
function whiskers(marks: Mark[], colour: string): EChartsCoreOption {
  const bar = (points: [number, number][]) => ({ type: "polyline", shape: { points }, style: { stroke: colour, lineWidth: 1.5, fill: "none" } });
  return {
    type: "custom",
    silent: true,
    z: 1,
    data: marks.filter((mark) => mark.interval).map((mark) => [mark.x, mark.interval![0], mark.interval![1]]),
    encode: { x: 0, y: [1, 2] },
    renderItem: (_: unknown, api: Api) => {
      const [x, low] = api.coord([api.value(0), api.value(1)]);
      const [, high] = api.coord([api.value(0), api.value(2)]);
      return { type: "group", children: [bar([[x, low], [x, high]]), bar([[x - 4, low], [x + 4, low]]), bar([[x - 4, high], [x + 4, high]])] };
    },
  };
}

const points = (marks: Mark[]) => marks.map((mark) => [mark.x, mark.y]);

/** Marks with their intervals; `line`: joined by a line; `diagonal`: the line of perfect agreement, named. */
export function marked(marks: Mark[], x: Axis, y: Axis, colours: Palette, as: { line?: boolean; diagonal?: string; also?: Mark[] } = {}): EChartsCoreOption {
  const also = as.also ?? [];
  const main = {
    id: "marks", type: as.line ? "line" : "scatter", data: points(marks), symbol: "circle", symbolSize: 9, z: 3, cursor: "pointer",
    itemStyle: { color: colours.accent }, lineStyle: { color: colours.accent, width: 1.5, opacity: 0.6 },
  };
  const diagonal = {
    type: "line", silent: true, symbol: "none", data: [[0, 0], [1, 1]], lineStyle: { color: colours["line-strong"], type: "dashed", width: 1 },
    endLabel: { show: true, formatter: as.diagonal ?? "", color: colours.muted, align: "right", offset: [-10, 14] },
  };
  const others = { id: "also", type: "line", data: points(also), symbol: "circle", symbolSize: 5, z: 2, itemStyle: { color: colours["amber-mark"] }, lineStyle: { color: colours["amber-mark"], width: 1.5 } };
  const says = (at: Pointed) => (at.seriesId === "also" ? also : marks)[at.dataIndex]?.says ?? "";
  return {
    ...base(axis(x, colours, true), axis(y, colours, false), colours, says),
    series: [...(as.diagonal ? [diagonal] : []), ...(also.length ? [others] : []), whiskers(marks, colours["line-strong"]), main],
  };
}

/** One line of versions; each figure with its own shape, so that colour alone says nothing. */
export interface Figure {
  name: string;
  colour: keyof Palette;
  symbol: string;
  dashed?: boolean;
  marks: Mark[];
}

/** A version worth finding at a glance, named along an upright line; `isGone`: what people went back from. */
export interface Landmark {
  x: string;
  name: string;
  isGone: boolean;
}

export function overVersions(names: string[], figures: Figure[], y: Axis, colours: Palette, landmarks: Landmark[] = []): EChartsCoreOption {
  const x = { ...axis({ name: "", show: String }, colours, true), type: "category", data: names, axisLabel: { color: colours.faint, hideOverlap: true } };
  const says = (at: Pointed) => figures[Number(at.seriesId)]?.marks[at.dataIndex]?.says ?? "";
  const lines = figures.map((figure, at) => ({
    id: String(at), name: figure.name, type: "line", data: points(figure.marks), symbol: figure.symbol, symbolSize: 9, cursor: "pointer", z: 3,
    itemStyle: { color: colours[figure.colour] }, lineStyle: { color: colours[figure.colour], width: 2, type: figure.dashed ? "dashed" : "solid" },
  }));
  const uprights = landmarks.map(({ x: at, name, isGone }) => {
    const colour = isGone ? colours.alarm : colours.muted;
    return { xAxis: at, lineStyle: { color: colour, type: isGone ? "dashed" : "solid", width: 1 }, label: { formatter: name, color: colour } };
  });
  const landmark = { id: "landmarks", type: "line", silent: true, data: [], markLine: { silent: true, symbol: "none", label: { position: "insideEndBottom", fontSize: 11 }, data: uprights } };
  return {
    ...base(x, axis(y, colours, false), colours, says),
    ...legend(colours, lines.map((line) => line.name)),
    series: [...figures.map((figure) => whiskers(figure.marks, colours["line-strong"])), ...lines, ...(uprights.length ? [landmark] : [])],
  };
}

/** Errors among what is routed, against how much is routed. Certified places in a full line, the others dashed. */
export interface RiskPoint extends Mark {
  isCertified: boolean;
}

export function riskCurve(
  curve: RiskPoint[], chosen: { x: number; y: number } | null, promise: { y: number; name: string } | null,
  x: Axis, y: Axis, names: { certified: string; other: string; chosen: string }, colours: Palette,
): EChartsCoreOption {
  const line = (id: string, name: string, isCertified: boolean, colour: string, type: string) => ({
    id, name, type: "line", symbol: "circle", symbolSize: 5, cursor: "pointer", z: isCertified ? 3 : 2,
    data: curve.map((point) => (point.isCertified === isCertified ? [point.x, point.y] : [point.x, null])),
    itemStyle: { color: colour }, lineStyle: { color: colour, width: isCertified ? 3 : 1.5, type },
  });
  const limit = promise && {
    silent: true, symbol: "none", lineStyle: { color: colours.alarm, type: "dashed", width: 1 },
    label: { formatter: promise.name, color: colours.alarm, position: "insideStartTop", fontSize: 11 }, data: [{ yAxis: promise.y }],
  };
  return {
    ...base(axis(x, colours, true), axis(y, colours, false), colours, (at) => curve[at.dataIndex]?.says ?? ""),
    ...legend(colours, [names.certified, names.other, ...(chosen ? [names.chosen] : [])]),
    series: [
      { ...line("other", names.other, false, colours["amber-mark"], "dashed"), markLine: limit ?? undefined },
      line("certified", names.certified, true, colours.accent, "solid"),
      ...(chosen ? [{ id: "chosen", name: names.chosen, type: "scatter", silent: true, symbol: "diamond", symbolSize: 16, z: 5, data: [[chosen.x, chosen.y]], itemStyle: { color: colours.ink, borderColor: colours.surface, borderWidth: 2 } }] : []),
    ],
  };
}
