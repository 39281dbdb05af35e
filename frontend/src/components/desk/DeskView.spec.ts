import { flushPromises, type VueWrapper } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Claim, Item, SubmitBody } from "@/api/types";
import DeskView from "./DeskView.vue";
import { makeItem, mountWith, SERVICES } from "./testing";

const progress = { today: 0, total: 0, seconds_per_ticket: null, left: { teach: 9, check: 9 }, recent: [] };
const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });

let items: Item[];
let empty: Claim["reason"];
let sent: SubmitBody[];
let calls: string[];
let desk: VueWrapper | undefined;

async function server(url: string | URL | Request, options: RequestInit = {}): Promise<Response> {
  const path = String(url);
  calls.push(path);
  const body = options.body ? JSON.parse(String(options.body)) : {};
  if (path === "/api/queue/claim/") {
    const given = items.splice(0, body.count);
    return json({ items: given, left: items.length, reason: given.length ? null : empty });
  }
  if (path === "/api/queue/submit/") {
    sent.push(body);
    return json({ annotation: { id: sent.length }, progress });
  }
  if (path === "/api/queue/undo/") return json({ undone: {}, item: makeItem(1), progress });
  if (path === "/api/services/") return json({ results: SERVICES, next: null });
  if (path === "/api/loop/") return json({ labels: { since_last: 34, needed: 50 }, run: null, embedding: null });
  return json(progress);
}

async function open(mode: "teach" | "check" = "teach"): Promise<VueWrapper> {
  desk = mountWith(DeskView, { mode });
  await flushPromises();
  return desk;
}

async function press(key: string, code = "", target: EventTarget = document.body): Promise<void> {
  target.dispatchEvent(new KeyboardEvent("keydown", { key, code, bubbles: true, cancelable: true }));
  await flushPromises();
}

const waiting = (reason: string, service_ids: number[]) =>
  makeItem(1, { why: { code: "customer_waiting", params: { since: "2026-01-01T10:00:00Z", reason, service_ids } } });
const text = () => desk!.get('[data-testid="ticket-text"]').text();

beforeEach(() => {
  localStorage.clear();
  items = [1, 2, 3, 4, 5].map((id) => makeItem(id));
  empty = "all_labelled";
  sent = [];
  calls = [];
  vi.stubGlobal("fetch", vi.fn(server));
});
afterEach(() => {
  desk?.unmount();
  desk = undefined;
  vi.unstubAllGlobals();
});

describe("teaching", () => {
  it("shows the ticket, why it was chosen, and how far the next training is", async () => {
    const page = await open();
    expect(text()).toBe("Ticket number 1");
    expect(page.text()).toContain("Hesitates between Delivery and Returns");
    expect(page.text()).toContain("34 of 50 until the next training");
  });

  it("labels with the service's key and moves on without waiting", async () => {
    await open();
    await press("é", "Digit2");
    expect(text()).toBe("Ticket number 2");
    expect(sent).toMatchObject([{ kind: "label", service_id: 2, lease: "lease-1" }]);
  });

  it("answers once however long the key is held", async () => {
    await open();
    const held = new KeyboardEvent("keydown", { key: "2", code: "Digit2", repeat: true, bubbles: true });
    document.body.dispatchEvent(held);
    await flushPromises();
    expect(sent).toEqual([]);
  });

  it("takes two services: t, then one key each", async () => {
    await open();
    await press("t");
    await press("1", "Digit1");
    expect(sent).toEqual([]);
    await press("3", "Digit3");
    expect(sent).toMatchObject([{ kind: "two", service_id: 1, second_service_id: 3 }]);
  });

  it.each([
    ["n", "none"],
    [" ", "skip"],
    ["f", "flag"],
  ])("%j answers %s", async (key, kind) => {
    await open();
    await press(key);
    expect(sent).toMatchObject([{ kind }]);
  });

  it("undoes with backspace and shows the ticket again", async () => {
    await open();
    await press("1", "Digit1");
    await press("Backspace");
    expect(text()).toBe("Ticket number 1");
    expect(calls).toContain("/api/queue/undo/");
  });

  it("does everything by mouse too", async () => {
    const page = await open();
    const delivery = page.findAll("button").find((button) => button.text().includes("Delivery"));
    await delivery!.trigger("click");
    await flushPromises();
    expect(sent).toMatchObject([{ kind: "label", service_id: 2 }]);
  });

  it("filters with / and takes the marked service with Enter", async () => {
    const page = await open();
    await press("/");
    const input = page.get<HTMLInputElement>("input[type=search]");
    expect(document.activeElement).toBe(input.element);
    await input.setValue("ret");
    expect(page.text()).not.toContain("Billing");
    await input.trigger("keydown", { key: "Enter" });
    await flushPromises();
    expect(sent).toMatchObject([{ kind: "label", service_id: 3 }]);
  });

  it("shows no suggestion and no bars on a random control", async () => {
    items = [makeItem(1, { control: true, candidates: [{ service_id: 2, probability: 0.9 }] })];
    const page = await open();
    expect(page.text()).toContain("Random control");
    expect(page.html()).not.toContain("width: 90%");
  });

  it("gives the tickets back on leaving", async () => {
    const page = await open();
    page.unmount();
    desk = undefined;
    await flushPromises();
    expect(calls).toContain("/api/queue/release/");
  });
});

describe("checking", () => {
  const claim = { mode: "check" as const, suggestion: { service_id: 2, probability: 0.93, band: "sure" as const } };

  it("puts the claim on top and accepts it with a", async () => {
    items = [makeItem(1, claim), makeItem(2, claim)];
    const page = await open("check");
    expect(page.text()).toContain("sure");
    await press("a", "KeyQ");
    expect(sent).toMatchObject([{ kind: "label", service_id: 2 }]);
  });

  it("asks which one after x, and takes its key", async () => {
    items = [makeItem(1, claim)];
    const page = await open("check");
    await press("x");
    expect(page.text()).toContain("Which service is right?");
    expect(sent).toEqual([]);
    await press("3", "Digit3");
    expect(sent).toMatchObject([{ kind: "label", service_id: 3 }]);
  });
});

describe("an empty desk", () => {
  it.each([
    ["no_services", "There are no services yet"],
    ["no_tickets", "There are no tickets yet"],
    ["all_labelled", "Every ticket has an answer"],
    ["preparing", "Tickets are being read"],
    ["held_by_others", "Colleagues have the last tickets"],
    ["nothing_to_check", "Nothing to check"],
  ] as const)("says what to do next: %s", async (reason, title) => {
    items = [];
    empty = reason;
    const page = await open();
    expect(page.text()).toContain(title);
  });
});

describe("a waiting customer", () => {
  it("is named above the ticket, with what the model hesitated between", async () => {
    items = [waiting("uncertain", [2, 3])];
    const page = await open();
    expect(page.text()).toContain("A customer is waiting");
    expect(page.text()).toContain("Hesitates between Delivery and Returns");
  });

  it("of a random control is named without what the model thinks", async () => {
    items = [waiting("uncertain", [])];
    expect((await open()).text()).toContain("The model hesitates");
  });

  it("says why a person is asked when the model did not hesitate", async () => {
    items = [waiting("model_unavailable", [])];
    expect((await open()).text()).toContain("The model did not answer in time");
  });

  it("is not there for any other ticket", async () => {
    expect((await open()).text()).not.toContain("A customer is waiting");
  });
});
