/** Every code the server can send about the loop and the policy has a sentence of its own, in both languages. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { mount } from "@vue/test-utils";
import { createPinia } from "pinia";
import { defineComponent } from "vue";
import { describe, expect, it } from "vitest";
import { useLoopWords } from "@/composables/useLoopWords";
import { i18n } from "@/i18n";
import en from "@/locales/en";
import fr from "@/locales/fr";

const source = (path: string) => readFileSync(join(import.meta.dirname, "../../../..", path), "utf8");
const found = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1] ?? "");

/** Codes as the Python code writes them; a name beside them that is no code would only ask for a sentence too many. */
const DECISIONS = found(source("training/schedule.py"), /Decision\(\s*(?:True|False),\s*"(\w+)"/g);
const loopSource = source("inference/loop.py");
const picture = loopSource.slice(0, loopSource.indexOf("def needs("));
const BOXES = [...found(picture, /\(\s*"(\w+)",\s*\{/g), ...found(picture, /code = "(\w+)"/g), ...found(picture, /code = "\w+" if .* else "(\w+)"/g)];
const REFUSALS = ["run_live", "too_few_services"]; // what a start by the policy can be refused with
const CODES = [...new Set([...DECISIONS, ...BOXES, ...REFUSALS])];
const LANGUAGES = { en, fr } as Record<"en" | "fr", Record<string, { next?: Record<string, string> }>>;

function wordsIn(language: "en" | "fr") {
  i18n.global.setLocaleMessage(language as never, LANGUAGES[language] as never);
  (i18n.global.locale as unknown as { value: string }).value = language;
  let made: ReturnType<typeof useLoopWords> | undefined;
  const Host = defineComponent({ setup: () => ((made = useLoopWords()), () => null) });
  mount(Host, { global: { plugins: [createPinia(), i18n] } });
  return made!;
}
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, " ");

describe("the loop's sentences", () => {
  it("are looked for under the codes that the server's code holds", () => {
    expect(DECISIONS.length).toBeGreaterThanOrEqual(13);
    for (const code of ["counting", "waiting_for_a_person", "schedule"]) expect(DECISIONS).toContain(code);
    for (const code of ["labels_missing", "no_services", "training", "run_failed", "scoring_audit", "embedding_pool", "needs_promotion", "evaluation_due"])
      expect(BOXES).toContain(code);
  });

  it.each(["en", "fr"] as const)("exist for every code in %s", (language) => {
    const sentences = LANGUAGES[language].loop?.next ?? {};
    expect(CODES.filter((code) => !(code in sentences))).toEqual([]);
  });

  it("count what is missing and agree in number", () => {
    const english = wordsIn("en").words;
    expect(english("labels_missing", { missing: 16, have: 34, needed: 50 })).toBe("16 more labels start the next training.");
    expect(english("labels_missing", { missing: 1, have: 49, needed: 50 })).toBe("1 more label starts the next training.");
    expect(english("counting", { new: 49, needed: 50 })).toBe("Starts by itself with 1 more label.");
    expect(english("waiting_for_a_person", { failures: 3 })).toContain("3 failures in a row");
    const french = wordsIn("fr").words;
    expect(french("counting", { new: 48, needed: 50 })).toBe("Démarre tout seul avec 2 exemples de plus.");
  });

  it("give the reason of a failure, and say so when the program gave none", () => {
    const { words } = wordsIn("en");
    expect(words("run_failed", { reason: "no base model" })).toBe("The last training failed: no base model");
    expect(words("run_failed", { reason: "" })).toContain("Open it to see its log");
  });

  it("name a code without words, so that it can be reported", () => {
    expect(wordsIn("en").words("brand_new", {})).toBe("Waits: brand_new");
  });

  it("put a bar into words: labels, tickets, or the phase of the training", () => {
    const { caption } = wordsIn("en");
    const box = { key: "label", state: "waiting", count: 1, since: null, link: null, next: null } as const;
    expect(caption({ ...box, progress: { done: 34, total: 50, unit: "labels" } })).toBe("34 of 50 labels until the next training");
    const next = { code: "training", params: { phase: "finetune", state: "running" } };
    expect(plain(caption({ ...box, key: "train", next, progress: { done: 43, total: 100, unit: "percent" } }))).toBe("Fine-tuning · 43%");
  });
});
