/**
 * The tickets in front of one person: claimed ahead, answered, undone, kept alive, given back.
 *
 * `buffer[0]` is on the screen; the next ones are already here, so moving on never waits for the
 * network. Answers go through the outbox. Whatever the server refuses comes back to the person as
 * a notice, and the ticket with it when it can still be answered.
 */
import { computed, shallowRef } from "vue";
import { ApiError } from "@/api/client";
import type { Answer, Claim, EmptyReason, Heartbeat, Item, Mode, Progress, SubmitResult, UndoResult } from "@/api/types";
import { newKey } from "./newKey";
import type { Entry, Outbox } from "./outbox";

export interface QueueApi {
  claim: (mode: Mode, count: number, holding: string[]) => Promise<Claim>;
  heartbeat: (leases: string[]) => Promise<Heartbeat>;
  release: (leases: string[]) => Promise<unknown>;
  undo: (annotationId: number) => Promise<UndoResult>;
  progress: () => Promise<Progress>;
}

export interface QueueDeps {
  mode: Mode;
  userId: number;
  api: QueueApi;
  outbox: Outbox;
  makeKey?: () => string;
  schedule?: (run: () => void, ms: number) => ReturnType<typeof setTimeout>;
}

export interface Notice {
  code: string;
  params: Record<string, unknown>;
  error?: ApiError;
}

interface Done {
  key: string;
  item: Item;
  annotationId: number | null;
}

/** One on the screen and two ahead. */
const AHEAD = 3;
/** Leases that the server takes in one request. */
const MOST_HELD = 1000;
const EMPTY_POLL_MS = 5_000;
const RETRY_MS = [1_500, 3_000, 6_000, 12_000];

export type Queue = ReturnType<typeof createQueue>;

export function createQueue({ mode, userId, api, outbox, makeKey = newKey, schedule = setTimeout }: QueueDeps) {
  const buffer = shallowRef<Item[]>([]);
  const undoing = shallowRef<Item | null>(null);
  const left = shallowRef(0);
  const reason = shallowRef<EmptyReason | null>(null);
  const started = shallowRef(false);
  const error = shallowRef<ApiError | null>(null);
  const notice = shallowRef<Notice | null>(null);
  const progress = shallowRef<Progress | null>(null);
  const done = shallowRef<Done[]>([]);
  /** Answers whose lease had run out, by ticket: offered again when the ticket comes back. */
  const offers = shallowRef(new Map<number, Answer>());

  const current = computed(() => undoing.value ?? buffer.value[0] ?? null);
  const offered = computed(() => (current.value ? (offers.value.get(current.value.ticket.id) ?? null) : null));
  const canUndo = computed(() => !undoing.value && (done.value.length > 0 || lastSaved() !== undefined));

  let filling: Promise<void> | null = null;
  let failures = 0;
  let stopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  const held = () =>
    [
      ...buffer.value.map((item) => item.lease.token),
      ...outbox.entries.value.map((entry) => entry.body.lease),
    ].slice(0, MOST_HELD);
  const lastSaved = () => progress.value?.recent.find((annotation) => !annotation.undone);

  function refill(): Promise<void> {
    filling ??= fill().finally(() => (filling = null));
    return filling;
  }

  async function fill(): Promise<void> {
    clearTimeout(timer);
    const want = AHEAD - buffer.value.length;
    if (stopped || want <= 0) return;
    try {
      const claim = await api.claim(mode, want, held());
      failures = 0;
      error.value = null;
      take(claim);
    } catch (problem) {
      const failure = problem instanceof ApiError ? problem : new ApiError("unexpected", -1);
      error.value = failure;
      if (failure.retryable) retryIn(RETRY_MS[Math.min(failures++, RETRY_MS.length - 1)] ?? 12_000);
    } finally {
      started.value = true;
    }
  }

  function take(claim: Claim): void {
    if (stopped) {
      if (claim.items.length) void api.release(claim.items.map((item) => item.lease.token)).catch(() => {});
      return;
    }
    const waiting = new Set(outbox.entries.value.map((entry) => entry.ticketId));
    const known = new Set(buffer.value.map((item) => item.ticket.id));
    const fresh = claim.items.filter((item) => !known.has(item.ticket.id) && !waiting.has(item.ticket.id));
    // A ticket that carries an unsaved answer goes to the front: its person has just read it.
    const again = fresh.filter((item) => offers.value.has(item.ticket.id));
    const others = fresh.filter((item) => !offers.value.has(item.ticket.id));
    buffer.value = [...again, ...liveFirst(buffer.value, others)];
    left.value = claim.left;
    reason.value = buffer.value.length ? null : claim.reason;
    if (!buffer.value.length) retryIn(EMPTY_POLL_MS);
  }

  function retryIn(ms: number): void {
    clearTimeout(timer);
    if (!stopped) timer = schedule(() => void refill(), ms);
  }

  function answer(given: Answer, durationMs: number): boolean {
    const item = buffer.value[0];
    if (!item || undoing.value) return false;
    const key = makeKey();
    const body = { key, lease: item.lease.token, duration_ms: Math.round(durationMs), include_similar: true, ...given };
    buffer.value = buffer.value.slice(1);
    done.value = [...done.value.slice(-49), { key, item, annotationId: null }];
    forget(item.ticket.id);
    if (!notice.value?.error) notice.value = null;
    left.value = Math.max(0, left.value - 1);
    outbox.put({ userId, mode: item.mode, ticketId: item.ticket.id, body });
    void refill();
    return true;
  }

  function forget(ticketId: number): void {
    if (!offers.value.has(ticketId)) return;
    const rest = new Map(offers.value);
    rest.delete(ticketId);
    offers.value = rest;
  }

  function saved(entry: Entry, result: SubmitResult): void {
    done.value = done.value.map((one) =>
      one.key === entry.body.key ? { ...one, annotationId: result.annotation.id } : one,
    );
    progress.value = result.progress;
    if (!buffer.value.length) void refill();
  }

  /** True: told here. The ticket returns to the screen when its lease still stands. */
  function refused(entry: Entry, failure: ApiError): boolean {
    const mine = done.value.find((one) => one.key === entry.body.key);
    if (!mine || stopped) return false;
    done.value = done.value.filter((one) => one !== mine);
    notice.value = { code: failure.code, params: { ticket: entry.ticketId }, error: failure };
    if (failure.code === "lease_expired") {
      offers.value = new Map(offers.value).set(entry.ticketId, given(entry));
      void reclaim();
    } else if (failure.status === 400 || failure.code === "unknown_service") {
      buffer.value = [mine.item, ...buffer.value];
    }
    return true;
  }

  /** Asks for one ticket more than usual: the one that went back stands first in the queue. */
  async function reclaim(): Promise<void> {
    await filling;
    if (stopped) return;
    await api.claim(mode, 1, held()).then(take, () => {});
  }

  /** Takes back the last answer, or the given one of the person's saved answers. */
  async function undo(annotationId?: number): Promise<void> {
    if (undoing.value) return;
    const last =
      annotationId === undefined ? done.value.at(-1) : done.value.find((one) => one.annotationId === annotationId);
    if (last && outbox.withdraw(last.key)) {
      done.value = done.value.filter((one) => one !== last);
      buffer.value = [last.item, ...buffer.value];
      left.value += 1;
      return;
    }
    undoing.value = last?.item ?? null;
    await outbox.settled();
    const id = annotationId ?? (last ? done.value.find((one) => one.key === last.key)?.annotationId : lastSaved()?.id);
    try {
      if (id != null) applyUndo(await api.undo(id), last);
    } catch (problem) {
      const failure = problem instanceof ApiError ? problem : new ApiError("unexpected", -1);
      notice.value = { code: "undo_failed", params: {}, error: failure };
    } finally {
      undoing.value = null;
    }
  }

  function applyUndo(result: UndoResult, last: Done | undefined): void {
    done.value = done.value.filter((one) => one.key !== last?.key);
    progress.value = result.progress;
    if (result.item) {
      const again = result.item;
      buffer.value = [again, ...buffer.value.filter((item) => item.ticket.id !== again.ticket.id)];
      left.value += 1;
      notice.value = { code: "undone", params: {} };
    } else {
      notice.value = { code: "undone_elsewhere", params: {} };
    }
  }

  /** Keeps the leases alive; tickets that went back meanwhile are claimed again or left, and said so. */
  async function heartbeat(): Promise<void> {
    const tokens = held();
    if (stopped || !tokens.length) return;
    const answered = await api.heartbeat(tokens).catch(() => null);
    if (!answered) return;
    const alive = new Map(answered.leases.map((lease) => [lease.token, lease]));
    const lost = new Set(answered.lost);
    const onScreen = buffer.value[0];
    buffer.value = buffer.value
      .filter((item) => item === onScreen || !lost.has(item.lease.token))
      .map((item) => ({ ...item, lease: alive.get(item.lease.token) ?? item.lease }));
    if (onScreen && lost.has(onScreen.lease.token)) await holdOn(onScreen, lost);
    else if (lost.size) void refill();
  }

  async function holdOn(item: Item, lost: Set<string>): Promise<void> {
    const claim = await api.claim(mode, AHEAD, held().filter((token) => !lost.has(token))).catch(() => null);
    if (!claim || stopped) return;
    const same = claim.items.find((one) => one.ticket.id === item.ticket.id);
    const unanswered = buffer.value[0]?.ticket.id === item.ticket.id;
    const rest = buffer.value.filter((one) => one.ticket.id !== item.ticket.id);
    buffer.value = same && unanswered ? [same, ...rest] : rest;
    if (!same && unanswered) notice.value = { code: "moved_on", params: {} };
    take({ ...claim, items: claim.items.filter((one) => one !== same) });
  }

  async function start(): Promise<void> {
    stopped = false;
    void api.progress().then(
      (read) => (progress.value ??= read),
      () => {},
    );
    await refill();
  }

  /** Gives the tickets back. The one on the screen stays leased if the page may only be reloading. */
  function stop(keepCurrent = false): void {
    stopped = true;
    clearTimeout(timer);
    const tokens = buffer.value.slice(keepCurrent ? 1 : 0).map((item) => item.lease.token);
    buffer.value = [];
    if (tokens.length) void api.release(tokens).catch(() => {});
  }

  const off = outbox.listen({ saved, refused });
  const close = () => {
    stop();
    off();
  };

  return {
    current, offered, undoing, left, reason, started, error, notice, progress, done, canUndo, buffer,
    start, stop, close, answer, undo, heartbeat, refill,
  };
}

/** Behind the ticket on the screen come those a customer waits for, whenever they were claimed. */
function liveFirst(held: Item[], fresh: Item[]): Item[] {
  const [onScreen, ...ahead] = held;
  const rest = [...ahead, ...fresh];
  const live = rest.filter(isLive);
  return [...(onScreen ? [onScreen] : []), ...live, ...rest.filter((item) => !isLive(item))];
}

export const isLive = (item: Pick<Item, "why">) => item.why.code === "customer_waiting";

function given(entry: Entry): Answer {
  const { kind, service_id, second_service_id, note, include_similar, except_ticket_ids } = entry.body;
  return { kind, service_id, second_service_id, note, include_similar, except_ticket_ids };
}
