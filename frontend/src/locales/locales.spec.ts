import { describe, expect, it } from "vitest";
import en from "./en";
import fr from "./fr";

function keys(value: object, prefix = ""): string[] {
  return Object.entries(value).flatMap(([name, entry]) =>
    typeof entry === "object" && entry !== null ? keys(entry, `${prefix}${name}.`) : [`${prefix}${name}`],
  );
}

function placeholders(text: string): string[] {
  return [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "").sort();
}

function leaf(messages: object, key: string): string {
  return key.split(".").reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], messages) as string;
}

describe("the two languages", () => {
  it("say the same things", () => {
    expect(keys(fr).sort()).toEqual(keys(en).sort());
  });

  it("use the same parameters", () => {
    const unique = (text: string) => [...new Set(placeholders(text))];
    for (const key of keys(en)) expect([key, unique(leaf(fr, key))]).toEqual([key, unique(leaf(en, key))]);
  });
});
