import { QueryClient, VueQueryPlugin } from "@tanstack/vue-query";
import { flushPromises, mount } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { defineComponent, h } from "vue";
import { ApiError } from "@/api/client";
import { queue, triage } from "@/api/endpoints";
import type { TriageInbox } from "@/api/types";
import { inTurn, useTriage } from "./useTriage";

const row = (id: number): TriageInbox["results"][number] => ({
  ticket_id: id, external_id: null, text: `Ticket ${id}`, channel: "", language: "en",
  received_at: "2026-01-01T00:00:00Z", outlier: 0.99, uncertainty: 0.5, nearest: [],
});
let waiting: number[] = [];
let found: ReturnType<typeof useTriage>;

async function open(): Promise<void> {
  const Host = defineComponent({ setup: () => ((found = useTriage()), () => h("div")) });
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  mount(Host, { global: { plugins: [[VueQueryPlugin, { queryClient: client }]] } });
  await flushPromises();
}
const shown = () => found.current.value?.ticket_id ?? null;

beforeEach(() => {
  waiting = [1, 2, 3];
  vi.spyOn(triage, "list").mockImplementation(async () => ({ ready: true, total: waiting.length, results: waiting.map(row) }));
  vi.spyOn(triage, "decide").mockImplementation(async (id, body) => {
    waiting = waiting.filter((one) => one !== id);
    return { id: 100 + id, kind: body.kind } as never;
  });
  vi.spyOn(queue, "undo").mockImplementation(async (annotation) => {
    waiting = [annotation - 100, ...waiting];
    return {} as never;
  });
});
afterEach(() => void vi.restoreAllMocks());

describe("the order", () => {
  it("puts what was left for later last, and forgets what is gone", () => {
    expect(inTurn([1, 2, 3], [])).toEqual([1, 2, 3]);
    expect(inTurn([1, 2, 3], [2, 1])).toEqual([3, 2, 1]);
    expect(inTurn([2, 3], [1, 2])).toEqual([3, 2]);
  });
});

describe("deciding", () => {
  it("goes on to the next ticket, and comes back when it is taken back", async () => {
    await open();
    expect(shown()).toBe(1);
    await found.decide("label", 7);
    expect(triage.decide).toHaveBeenCalledWith(1, expect.objectContaining({ kind: "label", service_id: 7 }));
    expect([shown(), found.total.value, found.last.value?.ticket]).toEqual([2, 2, 1]);
    await found.undo();
    await flushPromises();
    expect(queue.undo).toHaveBeenCalledWith(101);
    expect([shown(), found.last.value]).toEqual([1, null]);
  });

  it("leaves a ticket for later without deciding anything", async () => {
    await open();
    expect(found.leave()).toBe(true);
    expect(shown()).toBe(2);
    found.leave();
    found.leave();
    expect(shown()).toBe(1);
    expect(triage.decide).not.toHaveBeenCalled();
  });

  it("keeps the ticket when saving fails, and says what went wrong", async () => {
    vi.mocked(triage.decide).mockRejectedValueOnce(new ApiError("network", 0));
    await open();
    await found.decide("flag");
    expect([shown(), found.last.value]).toEqual([1, null]);
    expect((found.problem.value as ApiError).code).toBe("network");
  });

  it("moves on when somebody else was faster, and says so", async () => {
    vi.mocked(triage.decide).mockImplementationOnce(async (id) => {
      waiting = waiting.filter((one) => one !== id);
      throw new ApiError("decided_meanwhile", 409);
    });
    await open();
    await found.decide("none");
    expect(shown()).toBe(2);
    expect((found.problem.value as ApiError).code).toBe("decided_meanwhile");
  });
});
