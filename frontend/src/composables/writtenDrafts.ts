/** Several tickets in one field: an empty line stands between them. */

export function draftsOf(field: string): string[] {
  return field
    .split(/\n[ \t]*\n+/)
    .map((text) => text.trim())
    .filter(Boolean);
}

/** Texts as a field's content; their own empty lines would part them. */
export function fieldOf(texts: string[]): string {
  return texts.map((text) => text.trim().replace(/\n\s*\n+/g, "\n")).filter(Boolean).join("\n\n");
}

/** The ticket the caret stands in. */
export function draftAt(field: string, caret: number): string {
  const before = field.slice(0, caret);
  const start = Math.max(0, ...[...before.matchAll(/\n[ \t]*\n+/g)].map((gap) => gap.index + gap[0].length));
  const rest = field.slice(start);
  const end = rest.search(/\n[ \t]*\n/);
  return (end < 0 ? rest : rest.slice(0, end)).trim();
}
