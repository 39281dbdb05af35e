// Test sets on the dashboard: what was uploaded, what versions made of it, and files that cannot be used.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { flushPromises, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "@/api/client";
import { testSets } from "@/api/endpoints";
import type { TestSetDetail } from "@/api/types";
import { mountWith } from "@/components/desk/testing";
import en from "@/locales/en";
import fr from "@/locales/fr";
import TestSetsCard from "./TestSetsCard.vue";
import TestSetUpload from "./TestSetUpload.vue";

vi.mock("@/api/endpoints", async (original) => ({ ...(await original<object>()), testSets: { list: vi.fn(), read: vi.fn(), upload: vi.fn() } }));

const SET: TestSetDetail = {
  id: 3, name: "march.csv", fingerprint: "f", rows: 40, services: { billing: 40 }, rejected: 0, taught: 0, uploaded_by: "chloe", created_at: "2026-11-28T08:00:00Z", errors: [],
  evaluations: [
    { id: 1, version: 2, n: 40, accuracy: 0.7, macro_f1: 0.6, created_at: "2026-11-28T08:00:00Z" },
    { id: 2, version: 7, n: 40, accuracy: 0.85, macro_f1: 0.8, created_at: "2026-11-28T08:00:00Z" },
  ],
};
let shown: VueWrapper;
const text = () => shown.text().replace(/[\u00a0\u202f]/g, " ").replace(/\s+/g, " ");

async function choose(file = new File(["text,team\nhello,Billing\n"], "march.csv")): Promise<void> {
  const input = shown.get<HTMLInputElement>("input[type=file]");
  Object.defineProperty(input.element, "files", { value: [file], configurable: true });
  await input.trigger("change");
  await flushPromises();
}

beforeEach(() => vi.mocked(testSets.upload).mockReset());
afterEach(() => shown.unmount());

describe("the list of test sets", () => {
  it("says what the newest version that answered got right, or that none has yet, and leads to each", async () => {
    vi.mocked(testSets.list).mockResolvedValue({ results: [SET, { ...SET, id: 4, name: "april.csv", rows: 1, evaluations: [] }] });
    shown = mountWith(TestSetsCard, {});
    await flushPromises();
    expect(text()).toContain("march.csv40 rowsv7: 85% right");
    expect(text()).toContain("april.csv1 rownot answered yet");
    expect(shown.findAll("li a").map((link) => link.attributes("href"))).toEqual(["/dashboard/test-sets?set=3", "/dashboard/test-sets?set=4"]);
  });
});

describe("bringing a file", () => {
  beforeEach(() => {
    shown = mountWith(TestSetUpload, {});
  });

  it("sends it as soon as it is chosen and hands on the set that was made", async () => {
    vi.mocked(testSets.upload).mockResolvedValue(SET);
    await choose();
    const form = vi.mocked(testSets.upload).mock.calls[0]![0];
    expect((form.get("file") as File).name).toBe("march.csv");
    expect(shown.emitted("made")).toEqual([[SET]]);
  });

  it("asks for the service's column where it cannot be found out, and sends the same file again", async () => {
    vi.mocked(testSets.upload).mockRejectedValueOnce(new ApiError("label_column_needed", 400, { columns: ["text", "team"] })).mockResolvedValueOnce(SET);
    await choose();
    expect(text()).toContain("It is not said which column names the service.Nothing was kept.");
    await shown.findAll("select")[1]!.setValue("team");
    await shown.get("form").trigger("submit");
    await flushPromises();
    expect(vi.mocked(testSets.upload).mock.calls[1]![0].get("label_column")).toBe("team");
    expect(shown.emitted("made")).toHaveLength(1);
    expect(shown.find("[role=alert]").exists()).toBe(false);
  });

  it("names the rows of a file of which none could be taken, each with its reason", async () => {
    const first = [{ line: 2, code: "unknown_service", params: { label: "Warehouse" } }, { line: 3, code: "repeated_text", params: {} }];
    vi.mocked(testSets.upload).mockRejectedValueOnce(new ApiError("nothing_to_test", 400, { rejected: 2, taught: 0, first }));
    await choose();
    expect(text()).toContain("No row of this file could be taken.");
    expect(text()).toContain("2No service is called “Warehouse”.");
    expect(text()).toContain("3The same text stands in the file before.");
    expect(shown.emitted("made")).toBeUndefined();
  });
});

it.each([["en", en], ["fr", fr]] as const)("has a sentence in %s for each way the server refuses a test set or a row of it", (_, messages) => {
  const source = readFileSync(join(__dirname, "../../../../training/actions/test_sets.py"), "utf8");
  const codes = (pattern: RegExp) => [...source.matchAll(pattern)].map((match) => match[1]!);
  const [files, rows] = [codes(/Refused\(\s*"(\w+)"/g), codes(/RowProblem\(\s*raw\.line, "(\w+)"/g)];
  expect(files).toContain("nothing_to_test");
  expect(rows).toContain("repeated_text");
  const known = messages as unknown as { errors: Record<string, unknown>; import: { row: Record<string, unknown> } };
  expect(files.filter((code) => !known.errors[code])).toEqual([]);
  expect(rows.filter((code) => !known.import.row[code])).toEqual([]);
});
