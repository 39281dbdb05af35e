import { describe, expect, it, vi } from "vitest";
import { ApiError } from "@/api/client";
import type { Claim, Item, Progress, SubmitBody, SubmitResult, UndoResult } from "@/api/types";
import { createOutbox } from "./outbox";
import { createQueue, type QueueApi } from "./queue";

const turn = () => new Promise<void>((resolve) => setTimeout(resolve));
const progress = { today: 1, total: 1, recent: [] } as unknown as Progress;

function item(id: number, token = `lease-${id}`): Item {
  return {
    ticket: { id, text: `ticket ${id}`, similar_count: 0 },
    mode: "teach",
    lease: { token, expires_at: "" },
    candidates: [],
    why: { code: "typical", params: {} },
  } as unknown as Item;
}

/** A server that hands out tickets 1, 2, 3… and numbers annotations; each part can be replaced. */
function desk(changes: { api?: Partial<QueueApi>; submit?: (body: SubmitBody) => Promise<SubmitResult> } = {}) {
  let next = 1;
  let annotation = 100;
  const claims: { count: number; holding: string[] }[] = [];
  const sent: SubmitBody[] = [];
  const api: QueueApi = {
    claim: vi.fn(async (_mode, count: number, holding: string[]): Promise<Claim> => {
      claims.push({ count, holding });
      return { items: Array.from({ length: count }, () => item(next++)), left: 50, reason: null };
    }),
    heartbeat: vi.fn(async () => ({ leases: [], lost: [] })),
    release: vi.fn(async () => ({ released: 0 })),
    undo: vi.fn(async (): Promise<UndoResult> => ({ undone: {} as never, item: item(1, "again-1"), progress })),
    progress: vi.fn(async () => progress),
    ...changes.api,
  };
  const submit =
    changes.submit ??
    (async (body: SubmitBody) => {
      sent.push(body);
      return { annotation: { id: annotation++ }, progress } as unknown as SubmitResult;
    });
  const outbox = createOutbox({ submit, wait: () => new Promise(() => {}) });
  let key = 0;
  const scheduled: { run: () => void; ms: number }[] = [];
  const queue = createQueue({
    mode: "teach",
    userId: 1,
    api,
    outbox,
    makeKey: () => `key-${++key}`,
    schedule: (run, ms) => (scheduled.push({ run, ms }), 0 as never),
  });
  return { queue, api, outbox, claims, sent, scheduled };
}

const label = (service: number) => ({ kind: "label" as const, service_id: service });

describe("claiming ahead", () => {
  it("holds the ticket on the screen and the next two", async () => {
    const { queue, claims } = desk();
    await queue.start();
    expect(queue.buffer.value.map((one) => one.ticket.id)).toEqual([1, 2, 3]);
    expect(claims).toEqual([{ count: 3, holding: [] }]);
  });

  it("moves on at once and asks for one more, naming the leases it holds", async () => {
    const { queue, claims } = desk();
    await queue.start();
    queue.answer(label(2), 1_000);
    expect(queue.current.value?.ticket.id).toBe(2);
    await turn();
    expect(queue.buffer.value.map((one) => one.ticket.id)).toEqual([2, 3, 4]);
    expect(claims[1]).toEqual({ count: 1, holding: ["lease-2", "lease-3", "lease-1"] });
  });

  it("puts a ticket that a customer waits for right behind the one on the screen", async () => {
    const live = { ...item(9), why: { code: "customer_waiting", params: {} } };
    let call = 0;
    const claim = vi.fn(async () => ({ items: call++ ? [live] : [item(1), item(2), item(3)], left: 9, reason: null }));
    const { queue } = desk({ api: { claim } });
    await queue.start();
    queue.answer(label(2), 1_000);
    await turn();
    expect(queue.buffer.value.map((one) => one.ticket.id)).toEqual([2, 9, 3]);
  });

  it("never shows a ticket twice when the server hands it out again", async () => {
    let call = 0;
    const claim = vi.fn(async () => ({ items: call++ ? [item(2)] : [item(1), item(2)], left: 2, reason: null }));
    const { queue } = desk({ api: { claim } });
    await queue.start();
    queue.answer(label(1), 1);
    await turn();
    expect(queue.buffer.value.map((one) => one.ticket.id)).toEqual([2]);
  });

  it("says why there is nothing and looks again by itself", async () => {
    const claim = vi.fn(async (): Promise<Claim> => ({ items: [], left: 0, reason: "preparing" }));
    const { queue, scheduled } = desk({ api: { claim } });
    await queue.start();
    expect(queue.reason.value).toBe("preparing");
    expect(scheduled).toHaveLength(1);
    scheduled[0]?.run();
    await turn();
    expect(claim).toHaveBeenCalledTimes(2);
  });

  it("keeps the current ticket and tries again when claiming fails", async () => {
    let call = 0;
    const claim = vi.fn(async (): Promise<Claim> => {
      if (call++) throw new ApiError("network", 0);
      return { items: [item(1), item(2)], left: 2, reason: null };
    });
    const { queue, scheduled } = desk({ api: { claim } });
    await queue.start();
    queue.answer(label(1), 1);
    await turn();
    expect(queue.current.value?.ticket.id).toBe(2);
    expect(queue.error.value?.code).toBe("network");
    expect(scheduled.length).toBeGreaterThan(0);
  });
});

describe("answering", () => {
  it("sends the lease, the key, the time and the choice", async () => {
    const { queue, sent, outbox } = desk();
    await queue.start();
    queue.answer({ kind: "two", service_id: 3, second_service_id: 5, except_ticket_ids: [9] }, 4_123.6);
    await outbox.settled();
    expect(sent).toEqual([
      {
        key: "key-1",
        lease: "lease-1",
        kind: "two",
        service_id: 3,
        second_service_id: 5,
        except_ticket_ids: [9],
        include_similar: true,
        duration_ms: 4124,
      },
    ]);
  });

  it("has nothing to answer when the buffer is empty", () => {
    const { queue } = desk();
    expect(queue.answer(label(1), 1)).toBe(false);
  });

  it("puts the ticket back on the screen when the service no longer exists", async () => {
    const { queue, outbox } = desk({ submit: () => Promise.reject(new ApiError("unknown_service", 400)) });
    await queue.start();
    queue.answer(label(99), 1);
    await outbox.settled();
    expect(queue.current.value?.ticket.id).toBe(1);
    expect(queue.notice.value?.code).toBe("unknown_service");
  });

  it("goes on, and says so, when someone else holds the ticket", async () => {
    const { queue, outbox } = desk({ submit: () => Promise.reject(new ApiError("lease_not_yours", 409)) });
    await queue.start();
    queue.answer(label(1), 1);
    await outbox.settled();
    expect(queue.current.value?.ticket.id).toBe(2);
    expect(queue.notice.value?.code).toBe("lease_not_yours");
  });
});

describe("an expired lease", () => {
  it("brings the ticket back with the answer ready to be saved again", async () => {
    let served = 0;
    const claim = vi.fn(async (_mode: unknown, count: number): Promise<Claim> => {
      const again = served === 3;
      const items = again ? [item(1, "new-lease")] : Array.from({ length: count }, () => item(++served));
      return { items, left: 9, reason: null };
    });
    const submit = vi.fn<(body: SubmitBody) => Promise<SubmitResult>>();
    submit.mockRejectedValueOnce(new ApiError("lease_expired", 409));
    submit.mockResolvedValue({ annotation: { id: 1 }, progress } as unknown as SubmitResult);
    const { queue, outbox } = desk({ api: { claim }, submit });
    await queue.start();
    queue.answer(label(4), 1);
    await outbox.settled();
    await turn();
    await turn();
    expect(queue.current.value?.lease.token).toBe("new-lease");
    expect(queue.offered.value).toMatchObject({ kind: "label", service_id: 4 });
    queue.answer(queue.offered.value!, 1);
    await outbox.settled();
    expect(submit.mock.calls[1]?.[0]).toMatchObject({ lease: "new-lease", service_id: 4, key: "key-2" });
    expect(queue.offered.value).toBeNull();
  });
});

describe("undo", () => {
  it("takes a saved answer back on the server and shows its ticket again", async () => {
    const { queue, api, outbox } = desk();
    await queue.start();
    queue.answer(label(2), 1);
    await outbox.settled();
    await queue.undo();
    expect(api.undo).toHaveBeenCalledWith(100);
    expect(queue.current.value?.lease.token).toBe("again-1");
    expect(queue.notice.value?.code).toBe("undone");
  });

  it("waits for the save that is on its way before it takes it back", async () => {
    let finish: (value: SubmitResult) => void = () => {};
    const { queue, api } = desk({ submit: () => new Promise((resolve) => (finish = resolve)) });
    await queue.start();
    queue.answer(label(2), 1);
    const undone = queue.undo();
    expect(queue.current.value?.ticket.id).toBe(1);
    expect(queue.answer(label(3), 1)).toBe(false);
    expect(api.undo).not.toHaveBeenCalled();
    finish({ annotation: { id: 41 }, progress } as unknown as SubmitResult);
    await undone;
    expect(api.undo).toHaveBeenCalledWith(41);
  });

  it("takes back an answer that was never sent without asking the server", async () => {
    const { queue, api, outbox } = desk({ submit: () => Promise.reject(new ApiError("network", 0)) });
    await queue.start();
    queue.answer(label(2), 1);
    queue.answer(label(3), 1);
    await turn();
    await queue.undo();
    expect(api.undo).not.toHaveBeenCalled();
    expect(queue.current.value?.ticket.id).toBe(2);
    expect(outbox.unsaved.value).toBe(1);
  });

  it("undoes the last saved answer of an earlier visit", async () => {
    const recent = [{ id: 8, undone: true }, { id: 7, undone: false }];
    const earlier = { ...progress, recent } as unknown as Progress;
    const { queue, api } = desk({ api: { progress: async () => earlier } });
    await queue.start();
    await turn();
    expect(queue.canUndo.value).toBe(true);
    await queue.undo();
    expect(api.undo).toHaveBeenCalledWith(7);
  });

  it("says that nothing was undone when the server refuses", async () => {
    const undo = vi.fn().mockRejectedValue(new ApiError("undo_too_late", 409));
    const { queue, outbox } = desk({ api: { undo } });
    await queue.start();
    queue.answer(label(2), 1);
    await outbox.settled();
    await queue.undo();
    expect(queue.notice.value).toMatchObject({ code: "undo_failed", error: { code: "undo_too_late" } });
    expect(queue.current.value?.ticket.id).toBe(2);
  });
});

describe("leases", () => {
  it("are kept alive, those of unsaved answers too", async () => {
    const { queue, api } = desk({ submit: () => new Promise(() => {}) });
    await queue.start();
    queue.answer(label(2), 1);
    await turn();
    await queue.heartbeat();
    expect(api.heartbeat).toHaveBeenCalledWith(["lease-2", "lease-3", "lease-4", "lease-1"]);
  });

  it("are given back on leaving", async () => {
    const { queue, api } = desk();
    await queue.start();
    queue.close();
    expect(api.release).toHaveBeenCalledWith(["lease-1", "lease-2", "lease-3"]);
  });

  it("are given back when the page goes, but for the ticket on the screen: it comes back after a reload", async () => {
    const { queue, api } = desk();
    await queue.start();
    queue.stop(true);
    expect(api.release).toHaveBeenCalledWith(["lease-2", "lease-3"]);
  });

  it("that arrive after leaving are given back too", async () => {
    let arrive: (claim: Claim) => void = () => {};
    const claim = vi.fn(() => new Promise<Claim>((resolve) => (arrive = resolve)));
    const { queue, api } = desk({ api: { claim } });
    const started = queue.start();
    queue.close();
    arrive({ items: [item(5)], left: 1, reason: null });
    await started;
    expect(api.release).toHaveBeenCalledWith(["lease-5"]);
  });

  it("lost while away drop the tickets ahead but keep the one on the screen if it can be had again", async () => {
    const heartbeat = vi.fn(async () => ({ leases: [], lost: ["lease-1", "lease-2"] }));
    const { queue, api } = desk({ api: { heartbeat } });
    await queue.start();
    vi.mocked(api.claim).mockResolvedValueOnce({ items: [item(7), item(1, "fresh")], left: 5, reason: null });
    await queue.heartbeat();
    expect(queue.current.value?.lease.token).toBe("fresh");
    expect(queue.buffer.value.map((one) => one.ticket.id)).toEqual([1, 3, 7]);
    expect(queue.notice.value).toBeNull();
  });

  it("lost to someone else move on and say so", async () => {
    const heartbeat = vi.fn(async () => ({ leases: [], lost: ["lease-1"] }));
    const { queue } = desk({ api: { heartbeat } });
    await queue.start();
    await queue.heartbeat();
    expect(queue.current.value?.ticket.id).toBe(2);
    expect(queue.notice.value?.code).toBe("moved_on");
  });
});
