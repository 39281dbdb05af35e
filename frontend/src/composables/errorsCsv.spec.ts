import { expect, it } from "vitest";
import { toCsv } from "./errorsCsv";

it("quotes what a CSV needs quoted", () => {
  expect(toCsv(["line", "why"], [[2, 'it says "no", then stops']])).toBe('line,why\r\n2,"it says ""no"", then stops"\r\n');
});

it("never hands a spreadsheet a formula", () => {
  expect(toCsv(["why"], [["=HYPERLINK(A1)"], ["@x"], ["-1+2"]])).toBe("why\r\n'=HYPERLINK(A1)\r\n'@x\r\n'-1+2\r\n");
});
