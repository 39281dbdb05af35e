import { describe, expect, it } from "vitest";
import { headOf, wholeLines } from "./filePreview";

const text = (parts: string) => new TextEncoder().encode(parts);

describe("the head of a file", () => {
  it("is the whole of a small file", async () => {
    const file = new File(["text\na"], "t.csv");
    expect(await headOf(file)).toBe(file);
  });

  it("ends with a whole line, never inside a character", async () => {
    const head = await headOf(new File(["text\nréponse\nété été"], "t.csv"), 18);
    expect(await head.text()).toBe("text\nréponse\n");
    expect(head.name).toBe("t.csv");
  });

  it("keeps both bytes of a line end in UTF-16", () => {
    const utf16 = new Uint8Array([0xff, 0xfe, 0x61, 0, 0x0a, 0, 0x62, 0]);
    expect(wholeLines(utf16)).toBe(6);
  });

  it("is everything where no line ends", () => {
    expect(wholeLines(text("one long line"))).toBe(13);
  });
});
