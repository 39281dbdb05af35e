import { beforeEach, expect, it, vi } from "vitest";
import { ref } from "vue";
import { ticketTable } from "@/api/endpoints";
import { leaveTrail, useTrail } from "./useTrail";

beforeEach(() => leaveTrail({ ids: [7, 5, 9], query: { sort: "-outlier" }, next: null }));

it("goes to the ticket before and after in the order the list had", () => {
  const trail = useTrail(ref(5));
  expect([trail.previous.value, trail.following.value]).toEqual([7, 9]);
  expect(trail.back.value).toEqual({ name: "tickets", query: { sort: "-outlier" } });
});

it("knows both ends, and a ticket that came from elsewhere", () => {
  expect(useTrail(ref(7)).previous.value).toBeNull();
  expect(useTrail(ref(9)).hasNext.value).toBe(false);
  const stranger = useTrail(ref(1));
  expect([stranger.on.value, stranger.previous.value, stranger.following.value]).toEqual([false, null, null]);
  expect(stranger.back.value).toEqual({ name: "tickets", query: {} });
});

it("reads on when the list goes further than what was shown, and skips what it had", async () => {
  leaveTrail({ ids: [7], query: { status: "open" }, next: "here" });
  const list = vi.spyOn(ticketTable, "list").mockResolvedValue({
    results: [{ id: 7 }, { id: 4 }] as never,
    next: null,
    total: null,
    and_more: false,
  });
  const id = ref(7);
  const trail = useTrail(id);
  expect(trail.hasNext.value).toBe(true);
  expect(await trail.stepOn()).toBe(4);
  expect(list.mock.calls[0]?.[1]).toBe("here");
  id.value = 4;
  expect(trail.hasNext.value).toBe(false);
});
