import { expect, it } from "vitest";
import { pieces } from "./masks";

it("cuts a text at its masks and loses nothing", () => {
  const text = "[EMAIL] wrote about [ORDER][ORDER], not about [THIS]";
  const found = pieces(text);
  expect(found.map((piece) => piece.text).join("")).toBe(text);
  expect(found.filter((piece) => piece.mask).map((piece) => piece.text)).toEqual(["[EMAIL]", "[ORDER]", "[ORDER]"]);
});
