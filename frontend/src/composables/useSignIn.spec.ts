import { expect, it } from "vitest";
import { safeNext } from "./useSignIn";

it("comes back to a page of this application and never elsewhere", () => {
  expect(safeNext("/tickets?q=parcel")).toBe("/tickets?q=parcel");
  for (const evil of ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", undefined]) {
    expect(safeNext(evil)).toBe("/home");
  }
});
