// @vitest-environment node
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import en from "@/locales/en";
import fr from "@/locales/fr";

const ROOT = join(__dirname, "../../../../annotation");
const source = ["ingest", "reading", "actions/imports.py"]
  .flatMap((path) => (path.endsWith(".py") ? [path] : readdirSync(join(ROOT, path)).map((name) => `${path}/${name}`)))
  .filter((path) => path.endsWith(".py"))
  .map((path) => readFileSync(join(ROOT, path), "utf8"))
  .join("\n");

function codes(pattern: RegExp): string[] {
  return [...new Set([...source.matchAll(pattern)].map((match) => match[1] ?? ""))].sort();
}

const ROWS = codes(/(?:RowProblem|_problem|_Bad)\(\s*(?:[\w.]+(?: \+ 1)?,\s*)*"(\w+)"/g);
const FILES = codes(/(?:FileProblem|Refused)\(\s*"(\w+)"/g);

it("finds the codes in the server's code", () => {
  expect(ROWS).toEqual(expect.arrayContaining(["wrong_width", "empty_text", "unknown_service", "bad_date"]));
  expect(FILES).toEqual(expect.arrayContaining(["empty_file", "unknown_column", "file_too_large"]));
});

it.each([["en", en], ["fr", fr]] as const)("has a sentence in %s for each way a row or a file can be refused", (_, messages) => {
  const rows = (messages.import as unknown as { row: Record<string, string> }).row;
  const errors = messages.errors as Record<string, unknown>;
  expect(ROWS.filter((code) => !rows[code])).toEqual([]);
  expect(FILES.filter((code) => !errors[code])).toEqual([]);
});
