import { flushPromises, type VueWrapper } from "@vue/test-utils";
import { afterEach, expect, it, vi } from "vitest";
import type { EscalationInbox } from "@/api/types";
import { mountWith } from "@/components/desk/testing";
import WaitingPage from "./WaitingPage.vue";

const NOBODY: EscalationInbox = { total: 0, waiting: [], answered: 0, median_seconds: null, recent: [] };
const SOMEBODY: EscalationInbox = {
  total: 51,
  waiting: [
    {
      ticket_id: 7,
      external_id: "A-7",
      excerpt: "My parcel came back",
      channel: "chat",
      language: "en",
      waiting_since: "2026-01-01T10:00:00Z",
      reason: "uncertain",
      candidates: [{ service_id: 2, probability: 0.5 }],
      standing: "flagged",
    },
  ],
  answered: 1,
  median_seconds: 75,
  recent: [
    { ticket_id: 3, excerpt: "An invoice", kind: "none", service_id: null, answered_at: "2026-01-01T10:00:00Z", seconds: 75 },
  ],
};

let page: VueWrapper | undefined;
async function open(body: EscalationInbox): Promise<string> {
  vi.stubGlobal("fetch", vi.fn(async () => new Response(JSON.stringify(body))));
  page = mountWith(WaitingPage, {});
  await flushPromises();
  return page.text();
}
afterEach(() => {
  page?.unmount();
  vi.unstubAllGlobals();
});

it("says who waits, why, and how fast people answered", async () => {
  const text = await open(SOMEBODY);
  for (const words of ["51 customers", "usually after 1\u202fmin 15\u202fs", "My parcel came back", "The model hesitates", "Delivery"]) {
    expect(text).toContain(words);
  }
  for (const words of ["flagged for a lead", "and 50 more", "none of these", "Answer the first"]) expect(text).toContain(words);
});

it("says what will appear here when nobody waits", async () => {
  const text = await open(NOBODY);
  expect(text).toContain("No customer is waiting");
  expect(text).not.toContain("Answer the first");
});
