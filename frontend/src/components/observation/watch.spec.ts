import { flushPromises, mount, RouterLinkStub } from "@vue/test-utils";
import { VueQueryPlugin } from "@tanstack/vue-query";
import { createPinia } from "pinia";
import { beforeEach, expect, it, vi } from "vitest";
import { production } from "@/api/endpoints";
import type { HistoryLine, Watch } from "@/api/types";
import { i18n } from "@/i18n";
import en from "@/locales/en";
import fr from "@/locales/fr";
import HistoryList from "./HistoryList.vue";
import WatchAlarm from "./WatchAlarm.vue";
import WatchCard from "./WatchCard.vue";

vi.mock("@/api/endpoints", async (original) => ({ ...(await original<object>()), production: { history: vi.fn() } }));

const FOUND = { code: "precision_below" as const, params: { right: 15, known: 25, promised: 0.95 } };
const watch = (given: Partial<Watch>): Watch => ({
  id: 7, version: 2, state: "watching", promised: 0.95, fewest: 20, known: 25, right: 15, interval: { low: 0.41, high: 0.823 }, found: null, back_to: null, hold: null,
  is_held: false, started_at: "2026-11-28T08:00:00Z", looked_at: "2026-11-28T08:00:00Z", ended_at: null, ...given,
});

function shown(component: object, props: Record<string, unknown>, language: "en" | "fr" = "en") {
  i18n.global.setLocaleMessage(language as never, { en, fr }[language] as never);
  (i18n.global.locale as unknown as { value: string }).value = language;
  return mount(component as never, { props: props as never, global: { plugins: [createPinia(), i18n, VueQueryPlugin], stubs: { RouterLink: RouterLinkStub } } });
}
const words = (view: { text(): string }) => view.text().replace(/\s+/g, " ");

beforeEach(() => localStorage.clear());

it("says how many went right, what is promised, and what that leaves possible", () => {
  expect(words(shown(WatchCard, { watch: watch({}) }))).toContain("15 of 25 routed tickets whose end is known went right; 95% is promised.So the share is between 41% and 82.3%");
  expect(words(shown(WatchCard, { watch: watch({ known: 0, right: 0, interval: null }) }))).toContain("No routed ticket is known");
  expect(words(shown(WatchCard, { watch: watch({ promised: null }) }))).toContain("Without a certificate");
});

it("tells what was done by itself and why, in both languages", () => {
  const done = watch({ state: "rolled_back", back_to: 1, found: FOUND, ended_at: "2026-11-28T08:00:00Z" });
  expect(words(shown(WatchAlarm, { alarm: done, lead: true, busy: false }))).toContain("Version 2 was rolled back by itself: version 1 routes again.Only 15 of 25 routed tickets went right; 95% was promised.");
  expect(words(shown(WatchAlarm, { alarm: done, lead: false, busy: false }, "fr"))).toContain("Retour arrière automatique de la version 2 : la version 1 oriente de nouveau.");
});

it("asks before everything that was given to people is routed again", async () => {
  const view = shown(WatchAlarm, { alarm: watch({ state: "held", hold: 9, is_held: true, found: FOUND }), lead: true, busy: false });
  const press = (name: string) => view.findAll("button").find((button) => button.text() === name)!.trigger("click");
  await press("Route again");
  expect(view.emitted("release")).toBeUndefined();
  await press("Route again");
  expect(view.emitted("release")).toEqual([[9]]);
});

it("lets only leads put it aside", async () => {
  const done = watch({ state: "alarmed", found: FOUND });
  expect(shown(WatchAlarm, { alarm: done, lead: false, busy: false }).find("button").exists()).toBe(false);
  const view = shown(WatchAlarm, { alarm: done, lead: true, busy: false });
  await view.find("button").trigger("click");
  expect(view.emitted("read")).toEqual([[7]]);
});

it("shows in the history what the machine saw in the reader's language, and people's reasons as they wrote them", async () => {
  const line = (given: Partial<HistoryLine>): HistoryLine => ({ id: 1, kind: "rolled_back", by: null, why: "Only 15 of 25", version: 2, params: {}, at: "2026-11-28T08:00:00Z", ...given });
  vi.mocked(production.history).mockResolvedValue({ results: [line({ id: 2, params: { found: FOUND } }), line({ id: 3, kind: "promoted", by: "dan", why: "", params: { promotion: 4 } }), line({ by: "chloe", why: "misroutes since noon" })], next_before: null } as never);
  const view = shown(HistoryList, {}, "fr");
  await flushPromises();
  expect(words(view)).toContain("Seulement 15 des 25 tickets orientés sont arrivés au bon service");
  expect(words(view)).toContain("“misroutes since noon”");
  expect(view.findComponent(RouterLinkStub).props("to")).toEqual({ name: "dossier", params: { id: 4 } });
});

it("has words for all that can be found and done", () => {
  for (const messages of [en, fr]) {
    const said = (messages as never)["observation"]["watch"] as Record<string, Record<string, string>>;
    for (const code of ["precision_below", "unavailable", "slow"]) expect(said.found).toHaveProperty(code);
    for (const state of ["rolled_back", "rolled_back_people", "held", "alarmed"]) expect(said.did).toHaveProperty(state);
  }
});
