import { flushPromises } from "@vue/test-utils";
import { expect, it, vi } from "vitest";
import type { Headline } from "@/api/types";
import { mountWith } from "@/components/desk/testing";
import ChartFigure from "./ChartFigure.vue";
import VersionsCard from "./VersionsCard.vue";
import type { Palette } from "./palette";

vi.mock("@/api/endpoints", async (original) => ({
  ...(await original<object>()),
  production: { versions: () => Promise.resolve({ results: [{ version: 5, standing: "former" }, { version: 6, standing: "rolled_back" }, { version: 7, standing: "in_force" }] }) },
}));
vi.mock("./echarts", () => ({ draw: () => ({ on: vi.fn(), setOption: vi.fn(), dispose: vi.fn(), resize: vi.fn() }) }));

const version = (number: number): Headline => ({
  version: number, created_at: "2026-11-28T08:00:00Z", rows: 400, certificate_state: "certified", certified: 0.95, coverage: 0.7, recall: 0.7, passed: true, stopping: [],
  evaluation: { n: 400, accuracy: 0.8, accuracy_interval: [0.76, 0.84] } as never,
});

it("marks the version in force and those people went back from, in the chart, the sentence and the table", async () => {
  const shown = mountWith(VersionsCard, { versions: [4, 5, 6, 7].map(version), shown: 7 });
  await flushPromises();
  const figure = shown.getComponent(ChartFigure);
  expect(figure.props("says")).toContain("Version 7 is in force.");
  const option = (figure.props("option") as (colours: Palette) => { series: { id?: string; markLine?: { data: { xAxis: string; label: { formatter: string } }[] } }[] })({ alarm: "red", muted: "grey" } as unknown as Palette);
  const marks = option.series.find((one) => one.id === "landmarks")!.markLine!.data;
  expect(marks.map((one) => [one.xAxis, one.label.formatter])).toEqual([["v6", "rolled back"], ["v7", "in force"]]);
  const table = figure.props("table") as { columns: { label: string }[]; rows: { values: unknown[] }[] };
  const at = table.columns.findIndex((column) => column.label === "Routes?");
  expect(table.rows.map((row) => row.values[at])).toEqual(["never", "replaced", "rolled back", "in force"]);
  shown.unmount();
});
