// Whatever the server can find about drift is a whole sentence in both languages, and every alarm says what to do.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { flushPromises } from "@vue/test-utils";
import { describe, expect, it, vi } from "vitest";
import { defineComponent, h } from "vue";
import type { DriftReading } from "@/api/types";
import { mountWith } from "@/components/desk/testing";
import { useDriftWords } from "@/composables/useDrift";
import { i18n } from "@/i18n";
import en from "@/locales/en";
import fr from "@/locales/fr";

const server = readFileSync(join(__dirname, "../../../../inference/drift/readings.py"), "utf8");
/** Alarm code → its kind, as the server pairs them. */
const ALARMS: Record<string, DriftReading["kind"]> = {
  input_moved: "input", unlike_snapshot: "unlike", mix_moved: "mix", escalations_up: "escalation", escalations_down: "escalation",
  precision_broken: "precision", service_precision_broken: "precision",
};
const QUIET: [string, DriftReading["kind"]][] = [
  ...(["input", "unlike", "mix", "escalation", "precision"] as const).flatMap((kind) => [["steady", kind], ["too_few", kind], ["no_model", kind]] as [string, DriftReading["kind"]][]),
  ["nothing_routed", "precision"],
];
const PARAMS = { have: 12, needed: 100, right: 20, total: 30, days: 28, services: [{ service: "returns", before: 0.1, now: 0.3 }] };
const reading = (code: string, kind: DriftReading["kind"]): DriftReading => ({
  kind, code, params: PARAMS, is_alarm: code in ALARMS, service_id: code.startsWith("service_") ? 3 : null, hold_id: null, read_at: "2026-11-28T08:00:00Z", value: 0.42, reference: 0.95,
});

async function said(language: "en" | "fr", code: string, kind: DriftReading["kind"]): Promise<[string, string]> {
  const shown = mountWith(defineComponent({ setup: () => useDriftWords(), render: () => h("p") }), {});
  i18n.global.setLocaleMessage(language as never, (language === "en" ? en : fr) as never);
  (i18n.global.locale as unknown as { value: string }).value = language;
  await flushPromises();
  const words = shown.vm as unknown as ReturnType<typeof useDriftWords>;
  const found: [string, string] = [words.found(reading(code, kind)), words.todo(reading(code, kind))];
  shown.unmount();
  return found;
}

vi.spyOn(console, "warn").mockImplementation((message) => {
  throw new Error(String(message));
});

it("knows every alarm the server can raise", () => {
  const documented = /Alarm codes[^.]*?: ([\s\S]*?)\nOthers:/.exec(server)![1]!;
  const codes = [...documented.matchAll(/\b[a-z]+(?:_[a-z]+)+\b/g)].map((match) => match[0]);
  expect(new Set(codes)).toEqual(new Set(Object.keys(ALARMS)));
  for (const code of codes) expect(server).toContain(`"${code}"`);
});

describe.each(["en", "fr"] as const)("in %s", (language) => {
  it.each(Object.entries(ALARMS))("%s says what was found, and what to do", async (code, kind) => {
    const [found, todo] = await said(language, code, kind);
    for (const sentence of [found, todo]) {
      expect(sentence).toMatch(/^.{15,}\.$/s);
      expect(sentence).not.toMatch(/[{}]|dashboard\.|undefined|NaN/);
    }
  });

  it.each(QUIET)("%s of %s is a sentence and asks for nothing", async (code, kind) => {
    const [found, todo] = await said(language, code, kind);
    expect(found).toMatch(/^.{5,}\.$/s);
    expect(found).not.toMatch(/[{}]|dashboard\./);
    expect(todo).toBe("");
  });

  it("gives the figures of an alarm as its language writes them", async () => {
    const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, " ");
    const [broken] = await said(language, "service_precision_broken", "precision");
    const [mix] = await said(language, "mix_moved", "mix");
    expect(plain(broken)).toContain(language === "en" ? "Returns: only 20 of 30 control tickets in 28 days" : "Returns : seulement 20 tickets de contrôle justes sur 30 en 28 jours");
    expect(plain(mix)).toContain(language === "en" ? "Returns from 10% to 30%" : "Returns de 10 % à 30 %");
  });
});
