/** The figures behind a chart: shown to who does not see it, and exported as they are. */
import type { RouteLocationRaw } from "vue-router";
import { toCsv } from "@/composables/errorsCsv";

export type Value = string | number | null;

export interface Column {
  label: string;
  show?: (value: never) => string;
}

export interface Row {
  values: Value[];
  /** Where its tickets are. */
  to?: RouteLocationRaw;
}

export interface Table {
  columns: Column[];
  rows: Row[];
}

export function shown(table: Table, row: Row, at: number): string {
  const value = row.values[at] ?? null;
  if (value === null) return "—";
  const show = table.columns[at]?.show as ((value: Value) => string) | undefined;
  return show ? show(value) : String(value);
}

export const csvOf = (table: Table): string =>
  toCsv(table.columns.map((column) => column.label), table.rows.map((row) => row.values.map((value) => value ?? "")));
