/**
 * The keyboard of the desk.
 *
 * Digits go by the key's place (`event.code`), so an AZERTY keyboard needs no Shift; letters and
 * signs go by what they type. A held-down key answers once. Typing in a field, a shortcut of the
 * browser, and Enter or Space on a focused control are left alone.
 */
import { onBeforeUnmount, onMounted } from "vue";

export type DeskCommand =
  | { name: "service"; key: string }
  | { name: "undo" | "skip" | "flag" | "guideline" | "none" | "two" | "similar" | "keys" | "filter" }
  | { name: "confirm" | "cancel" | "yes" | "no" };

const LETTERS: Record<string, DeskCommand["name"]> = {
  f: "flag", h: "guideline", n: "none", t: "two", s: "similar", a: "yes", x: "no",
};
const SIGNS: Record<string, DeskCommand["name"]> = {
  "/": "filter", "?": "keys", " ": "skip", Backspace: "undo", Enter: "confirm", Escape: "cancel",
};

/** The keys that never belong to a service. */
export const GLOBAL_KEYS = [...Object.keys(LETTERS), "/", "?", " "];

export function commandFor(event: KeyboardEvent, checking: boolean): DeskCommand | null {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null;
  const sign = SIGNS[event.key];
  if (sign) return { name: sign } as DeskCommand;
  const digit = /^(?:Digit|Numpad)(\d)$/.exec(event.code)?.[1];
  if (digit !== undefined) return { name: "service", key: digit };
  if (event.key.length !== 1) return null;
  const letter = event.key.toLowerCase();
  const name = LETTERS[letter];
  if (name && (checking || (name !== "yes" && name !== "no"))) return { name } as DeskCommand;
  return { name: "service", key: letter };
}

export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}

function activates(event: KeyboardEvent): boolean {
  if (event.key !== "Enter" && event.key !== " ") return false;
  return event.target instanceof HTMLElement && event.target.closest("button, a, summary, [role=button]") !== null;
}

export function useDeskKeys(checking: () => boolean, run: (command: DeskCommand) => boolean): void {
  const onKey = (event: KeyboardEvent) => {
    if (event.defaultPrevented || isTyping(event.target) || activates(event)) return;
    const command = commandFor(event, checking());
    if (!command) return;
    if (event.repeat) {
      event.preventDefault();
      return;
    }
    if (run(command)) event.preventDefault();
  };
  onMounted(() => window.addEventListener("keydown", onKey));
  onBeforeUnmount(() => window.removeEventListener("keydown", onKey));
}
