/**
 * The little Markdown that guidelines use: headings, lists, bold, italics, code. It becomes a tree that is
 * rendered as text nodes, never as HTML, so nothing anyone writes can run.
 */

export interface Span {
  kind: "text" | "strong" | "em" | "code";
  text: string;
}
export type Block =
  | { kind: "heading" | "paragraph"; lines: Span[][] }
  | { kind: "list"; ordered: boolean; lines: Span[][] };

const MARKS = /(\*\*[^*\n]+\*\*|__[^_\n]+__|\*[^*\s][^*\n]*\*|`[^`\n]+`)/;

export function parseSpans(text: string): Span[] {
  return text
    .split(MARKS)
    .filter(Boolean)
    .map((part): Span => {
      if (/^(\*\*|__).+\1$/.test(part)) return { kind: "strong", text: part.slice(2, -2) };
      if (/^`.+`$/.test(part)) return { kind: "code", text: part.slice(1, -1) };
      if (/^\*[^*].*\*$/.test(part)) return { kind: "em", text: part.slice(1, -1) };
      return { kind: "text", text: part };
    });
}

export function parseMarkdown(source: string): Block[] {
  const blocks: Block[] = [];
  let open: Block | null = null;
  const put = (block: Block, text: string) => {
    const same = open && open.kind === block.kind && (open.kind !== "list" || open.ordered === (block as typeof open).ordered);
    if (!open || !same || block.kind === "heading") blocks.push((open = block));
    open.lines.push(parseSpans(text));
  };
  for (const line of source.split(/\r?\n/)) {
    const heading = /^#{1,6}\s+(.*)$/.exec(line);
    const item = /^\s*(?:([-*•])|\d{1,3}[.)])\s+(.*)$/.exec(line);
    if (!line.trim()) open = null;
    else if (heading) put({ kind: "heading", lines: [] }, heading[1] ?? "");
    else if (item) put({ kind: "list", ordered: !item[1], lines: [] }, item[2] ?? "");
    else put({ kind: "paragraph", lines: [] }, line.trim());
  }
  return blocks;
}
