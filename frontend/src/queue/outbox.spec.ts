import { beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError } from "@/api/client";
import type { SubmitBody, SubmitResult } from "@/api/types";
import { createOutbox, type Entry } from "./outbox";

const result = (id: number) => ({ annotation: { id }, progress: {} }) as unknown as SubmitResult;
const entry = (key: string, userId = 1): Entry => ({
  userId,
  mode: "teach",
  ticketId: 7,
  body: { key, lease: "lease-7", kind: "label", service_id: 2, duration_ms: 900 },
});
const network = () => new ApiError("network", 0);

/** Waits that the test ends by hand: no real time passes. */
function handWait() {
  const waits: { ms: number; end: () => void }[] = [];
  return { waits, wait: (ms: number) => new Promise<void>((end) => waits.push({ ms, end })) };
}
const turn = () => new Promise<void>((resolve) => setTimeout(resolve));

describe("the outbox", () => {
  beforeEach(() => localStorage.clear());

  it("sends answers in order, one at a time", async () => {
    const sent: string[] = [];
    let open = 0;
    const submit = async (body: SubmitBody) => {
      expect(++open).toBe(1);
      await turn();
      open--;
      sent.push(body.key);
      return result(sent.length);
    };
    const outbox = createOutbox({ submit });
    for (const key of ["a", "b", "c"]) outbox.put(entry(key));
    await outbox.settled();
    expect(sent).toEqual(["a", "b", "c"]);
    expect(outbox.unsaved.value).toBe(0);
  });

  it("sends again with the same key after a network failure", async () => {
    const { waits, wait } = handWait();
    const submit = vi.fn<(body: SubmitBody) => Promise<SubmitResult>>();
    submit.mockRejectedValueOnce(network()).mockRejectedValueOnce(new ApiError("server_error", 503));
    submit.mockResolvedValue(result(1));
    const outbox = createOutbox({ submit, wait });
    outbox.put(entry("a"));
    await turn();
    expect(outbox.state.value).toBe("retrying");
    waits[0]?.end();
    await turn();
    waits[1]?.end();
    await outbox.settled();
    expect(submit.mock.calls.map(([body]) => body.key)).toEqual(["a", "a", "a"]);
    expect(waits.map(({ ms }) => ms)).toEqual([1_000, 2_000]);
    expect(outbox.state.value).toBe("idle");
  });

  it("tries at once when the connection comes back", async () => {
    const { wait } = handWait();
    const submit = vi.fn().mockRejectedValueOnce(network()).mockResolvedValue(result(1));
    const outbox = createOutbox({ submit, wait });
    outbox.put(entry("a"));
    await turn();
    outbox.retryNow();
    await outbox.settled();
    expect(submit).toHaveBeenCalledTimes(2);
  });

  it("keeps answers through a reload, without the ticket's text, and sends them for the same person only", async () => {
    const { wait } = handWait();
    const first = createOutbox({ submit: () => Promise.reject(network()), storage: localStorage, wait });
    first.put(entry("mine", 1));
    first.put(entry("other", 2));
    const sent: string[] = [];
    const second = createOutbox({
      submit: async (body) => (sent.push(body.key), result(1)),
      storage: localStorage,
    });
    second.resume(1);
    await second.settled();
    expect(sent).toEqual(["mine"]);
    expect(Object.keys(localStorage)).toEqual(["aiguilleur.unsent.other"]);
  });

  it("waits for the sign-in when the session ended, then sends what was left", async () => {
    const submit = vi.fn().mockRejectedValueOnce(new ApiError("not_authenticated", 401)).mockResolvedValue(result(1));
    const outbox = createOutbox({ submit });
    outbox.put(entry("a"));
    await outbox.settled();
    expect(outbox.state.value).toBe("signed_out");
    expect(outbox.unsaved.value).toBe(1);
    outbox.resume(1);
    await outbox.settled();
    expect(outbox.unsaved.value).toBe(0);
  });

  it("hands a refusal to whoever listens, and keeps it visible when nobody does", async () => {
    const refusal = new ApiError("ticket_gone", 404);
    const outbox = createOutbox({ submit: () => Promise.reject(refusal) });
    outbox.put(entry("alone"));
    await outbox.settled();
    expect(outbox.refusals.value.map((one) => one.error.code)).toEqual(["ticket_gone"]);

    const refused = vi.fn(() => true);
    outbox.listen({ saved: vi.fn(), refused });
    outbox.put(entry("heard"));
    await outbox.settled();
    expect(refused).toHaveBeenCalledOnce();
    expect(outbox.refusals.value).toHaveLength(1);
  });

  it("goes on with the next answer after a refusal", async () => {
    const submit = vi.fn().mockRejectedValueOnce(new ApiError("unknown_service", 400)).mockResolvedValue(result(2));
    const outbox = createOutbox({ submit });
    outbox.put(entry("bad"));
    outbox.put(entry("good"));
    await outbox.settled();
    expect(submit).toHaveBeenCalledTimes(2);
    expect(outbox.unsaved.value).toBe(0);
  });

  it("takes back an answer only while it was never sent", async () => {
    const { wait } = handWait();
    const outbox = createOutbox({ submit: () => Promise.reject(network()), wait });
    outbox.put(entry("sent"));
    outbox.put(entry("waiting"));
    await turn();
    expect(outbox.withdraw("sent")).toBe(false);
    expect(outbox.withdraw("waiting")).toBe(true);
    expect(outbox.entries.value.map((one) => one.body.key)).toEqual(["sent"]);
  });
});
