/** Rows as a CSV that a spreadsheet opens as it is, made in the page. */
import { saveFile } from "./saveFile";

/** A cell that a spreadsheet would run as a formula gets a quote in front: it stays text. */
export function cell(value: string | number): string {
  const text = String(value);
  const safe = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function toCsv(head: string[], rows: (string | number)[][]): string {
  return [head, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

const BOM = "\ufeff"; // without it Excel reads accents wrongly

export function download(name: string, csv: string): void {
  saveFile(name, [BOM, csv], "text/csv;charset=utf-8");
}
