import { expect, it } from "vitest";
import { readFilters, turned, writeFilters } from "./useTicketFilters";

it("comes back from the address as it went in", () => {
  const query = { q: "100% lost", status: "open", predicted: "3", sort: "-uncertainty" };
  expect(writeFilters(readFilters(query))).toEqual(query);
});

it("keeps the plain table's address plain", () => {
  expect(writeFilters(readFilters({}))).toEqual({});
  expect(writeFilters(readFilters({ status: "", sort: "-received_at" }))).toEqual({});
});

it("falls back to the newest first when the address names no order it knows", () => {
  expect(readFilters({ sort: "text" }).sort).toBe("-received_at");
  expect(readFilters({ sort: ["outlier", "id"] }).sort).toBe("outlier");
});

it("sorts a column highest first, then the other way round", () => {
  expect(turned("-received_at", "outlier")).toBe("-outlier");
  expect(turned("-outlier", "outlier")).toBe("outlier");
  expect(turned("outlier", "outlier")).toBe("-outlier");
});
