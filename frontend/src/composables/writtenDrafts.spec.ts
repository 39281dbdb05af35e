import { describe, expect, it } from "vitest";
import { draftAt, draftsOf, fieldOf } from "./writtenDrafts";

describe("several tickets in one field", () => {
  it("are parted by empty lines, and keep their own lines", () => {
    expect(draftsOf("one\nstill one\n\n \n two \n\n")).toEqual(["one\nstill one", "two"]);
    expect(draftsOf(" \n ")).toEqual([]);
  });

  it("come out of the field as they went in", () => {
    const texts = ["Hello,\nwhere is it?", "Another"];
    expect(draftsOf(fieldOf(texts))).toEqual(texts);
    expect(draftsOf(fieldOf(["a\n\nb", "c"]))).toEqual(["a\nb", "c"]);
  });

  it("are told apart by the caret", () => {
    const field = "first one\n\nsecond\none\n\nthird";
    expect(draftAt(field, 3)).toBe("first one");
    expect(draftAt(field, field.indexOf("second") + 1)).toBe("second\none");
    expect(draftAt(field, field.length)).toBe("third");
    expect(draftAt("", 0)).toBe("");
  });
});
