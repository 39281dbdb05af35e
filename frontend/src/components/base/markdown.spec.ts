import { mount } from "@vue/test-utils";
import { describe, expect, it } from "vitest";
import { parseMarkdown, parseSpans } from "./markdown";
import MarkdownText from "./MarkdownText.vue";

describe("the Markdown of guidelines", () => {
  it("knows headings, lists and paragraphs", () => {
    const blocks = parseMarkdown("# Belongs here\n- lost parcels\n- late parcels\n\nNot here:\n1. refunds\n2. returns");
    expect(blocks.map((block) => [block.kind, block.lines.length])).toEqual([
      ["heading", 1],
      ["list", 2],
      ["paragraph", 1],
      ["list", 2],
    ]);
  });

  it("knows bold, italics and code, and leaves lone stars alone", () => {
    expect(parseSpans("a **b** *c* `d`").map((span) => span.kind)).toEqual(["text", "strong", "text", "em", "text", "code"]);
    expect(parseSpans("2 * 3 * 4")).toEqual([{ kind: "text", text: "2 * 3 * 4" }]);
  });

  it("shows HTML as the text it is", () => {
    const shown = mount(MarkdownText, { props: { source: '<img src=x onerror="alert(1)"> **<b>x</b>**' } });
    expect(shown.find("img").exists()).toBe(false);
    expect(shown.text()).toContain("<img src=x");
    expect(shown.get("strong").text()).toBe("<b>x</b>");
  });
});
