/** The page's colours for what is drawn on a canvas, which knows no CSS variables. */
const NAMES = ["surface", "line", "line-strong", "ink", "muted", "faint", "accent", "amber", "amber-mark", "good-mark", "alarm"] as const;

export type Palette = Record<(typeof NAMES)[number], string> & { font: string };

export function palette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colours = Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--c-${name}`).trim()]));
  return { ...(colours as Omit<Palette, "font">), font: getComputedStyle(document.body).fontFamily };
}
