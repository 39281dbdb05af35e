/** Many services at once: one a line, as a person types them or as a spreadsheet puts them on the clipboard. */

export interface ServiceLine {
  name: string;
  name_fr: string;
}

export const LONGEST_NAME = 80;

/**
 * A line is a name, or a name and its French name with a tab, `;` or `|` between. Bullets and numbers at the
 * start go, empty lines and repetitions (without regard to case) too.
 */
export function parseServiceLines(text: string, known: Iterable<string> = []): ServiceLine[] {
  const seen = new Set([...known].map(fold));
  const found: ServiceLine[] = [];
  for (const line of text.split(/\r?\n/)) {
    const [first = "", second = ""] = line.split(/[\t;|]/);
    const name = first.trim().replace(/^(?:[-*•–]|\d{1,3}[.)])\s+/, "").slice(0, LONGEST_NAME).trim();
    if (!name || seen.has(fold(name))) continue;
    seen.add(fold(name));
    found.push({ name, name_fr: second.trim().slice(0, LONGEST_NAME) });
  }
  return found;
}

const fold = (name: string) => name.trim().toLowerCase();
