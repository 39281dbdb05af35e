import { describe, expect, it } from "vitest";
import { commandFor, isTyping } from "./useDeskKeys";

const press = (key: string, code = "", more: Partial<KeyboardEventInit> = {}) =>
  new KeyboardEvent("keydown", { key, code, ...more });

describe("keys", () => {
  it.each(["&", "é", '"', "'", "("])("take the digit by its place: %s on AZERTY needs no Shift", (typed) => {
    const place = ["&", "é", '"', "'", "("].indexOf(typed) + 1;
    expect(commandFor(press(typed, `Digit${place}`), false)).toEqual({ name: "service", key: String(place) });
  });

  it("take the numeric pad's digits", () => {
    expect(commandFor(press("3", "Numpad3"), false)).toEqual({ name: "service", key: "3" });
  });

  it("let / and ? win over the digit they share a key with", () => {
    expect(commandFor(press("/", "Digit7", { shiftKey: true }), false)).toEqual({ name: "filter" });
    expect(commandFor(press("?", "Minus", { shiftKey: true }), false)).toEqual({ name: "keys" });
  });

  it("have yes and no only while checking", () => {
    expect(commandFor(press("a", "KeyQ"), true)).toEqual({ name: "yes" });
    expect(commandFor(press("x", "KeyX"), true)).toEqual({ name: "no" });
    expect(commandFor(press("a", "KeyQ"), false)).toEqual({ name: "service", key: "a" });
  });

  it.each([
    ["Backspace", "undo"],
    [" ", "skip"],
    ["f", "flag"],
    ["F", "flag"],
    ["h", "guideline"],
    ["n", "none"],
    ["t", "two"],
    ["s", "similar"],
    ["Enter", "confirm"],
    ["Escape", "cancel"],
  ])("%j means %s", (key, name) => {
    expect(commandFor(press(key), false)).toEqual({ name });
  });

  it("leave the browser's own shortcuts alone", () => {
    expect(commandFor(press("1", "Digit1", { ctrlKey: true }), false)).toBeNull();
    expect(commandFor(press("f", "KeyF", { metaKey: true }), false)).toBeNull();
    expect(commandFor(press("Tab"), false)).toBeNull();
  });

  it("know when someone is typing", () => {
    expect(isTyping(document.createElement("input"))).toBe(true);
    expect(isTyping(document.createElement("button"))).toBe(false);
  });
});
