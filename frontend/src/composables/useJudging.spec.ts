import { QueryClient, VueQueryPlugin } from "@tanstack/vue-query";
import { flushPromises, mount } from "@vue/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { defineComponent, h } from "vue";
import { ApiError } from "@/api/client";
import { judging } from "@/api/endpoints";
import type { JudgingPair } from "@/api/types";
import { useJudging } from "./useJudging";

const pairOf = (id: number): JudgingPair => ({
  id, lease: `lease-${id}`, lease_expires_at: "2026-01-01T00:00:00Z", ticket_id: 100 + id, external_id: `T-${id}`, text: "Where is it?",
  channel: "", language: "en", received_at: "2026-01-01T00:00:00Z", first_service_id: 1, second_service_id: null, are_same: false,
});
const counts = { left: 2, judged: 0, mine: 0, more: null };
let waiting: number[] = [];
let found: ReturnType<typeof useJudging>;

async function open() {
  const Host = defineComponent({ setup: () => ((found = useJudging()), () => h("div")) });
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  const host = mount(Host, { global: { plugins: [[VueQueryPlugin, { queryClient: client }]] } });
  await flushPromises();
  return host;
}

beforeEach(() => {
  waiting = [1, 2];
  vi.spyOn(judging, "claim").mockImplementation(async () =>
    waiting[0] ? { pair: pairOf(waiting[0]), counts, reason: null } : { pair: null, counts, reason: "nothing_waits" },
  );
  vi.spyOn(judging, "judge").mockImplementation(async (id) => {
    waiting = waiting.filter((one) => one !== id);
    return { judgement: { id: 50 + id, service_id: 1 }, counts } as never;
  });
  vi.spyOn(judging, "release").mockResolvedValue({ released: true });
  vi.spyOn(judging, "undo").mockImplementation(async (id) => {
    waiting = [id - 50, ...waiting];
    return { pair: pairOf(id - 50), counts };
  });
});
afterEach(() => void vi.restoreAllMocks());

describe("judging", () => {
  it("sends what was said with the lease, and goes on until nothing waits", async () => {
    await open();
    expect(await found.judge("neither", 7)).toBe(true);
    expect(judging.judge).toHaveBeenCalledWith(1, expect.objectContaining({ lease: "lease-1", choice: "neither", service_id: 7 }));
    expect([found.pair.value?.id, found.last.value?.ticket]).toEqual([2, 101]);
    await found.judge("first");
    expect([found.pair.value, found.reason.value]).toEqual([null, "nothing_waits"]);
  });

  it("shows the pair that was taken back, and gives the one at hand back first", async () => {
    await open();
    await found.judge("first");
    await found.undo();
    await flushPromises();
    expect(judging.release).toHaveBeenCalledWith(2, "lease-2");
    expect([found.pair.value?.id, found.last.value]).toEqual([1, null]);
  });

  it("goes on when somebody else was faster, and says so", async () => {
    vi.mocked(judging.judge).mockImplementationOnce(async () => {
      waiting = [2];
      throw new ApiError("lease_lost", 409);
    });
    await open();
    expect(await found.judge("both")).toBe(false);
    expect([found.pair.value?.id, found.last.value]).toEqual([2, null]);
    expect((found.problem.value as ApiError).code).toBe("lease_lost");
  });

  it("gives the pair back when the page is left", async () => {
    const host = await open();
    host.unmount();
    expect(judging.release).toHaveBeenCalledWith(1, "lease-1");
  });
});
