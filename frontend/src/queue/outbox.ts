/**
 * Answers on their way to the server, in order, one at a time.
 *
 * An answer stays here until the server has saved or refused it. No reply, a time-out or a server
 * fault: it is sent again with the same key, so it is saved once however often it is sent. Each is
 * also kept in the browser's storage, so a reload or a crash sends it again; only ids and the
 * choice are stored there, never a ticket's text.
 */
import { computed, shallowRef } from "vue";
import { ApiError } from "@/api/client";
import type { Mode, SubmitBody, SubmitResult } from "@/api/types";

export interface Entry {
  userId: number;
  mode: Mode;
  ticketId: number;
  body: SubmitBody;
}

export interface Refusal {
  entry: Entry;
  error: ApiError;
}

export interface Listener {
  saved: (entry: Entry, result: SubmitResult) => void;
  /** True when the listener tells the person; false leaves it in `refusals` for the shell to show. */
  refused: (entry: Entry, error: ApiError) => boolean;
}

export type OutboxState = "idle" | "saving" | "retrying" | "signed_out";

export interface OutboxDeps {
  submit: (body: SubmitBody) => Promise<SubmitResult>;
  storage?: Storage | null;
  wait?: (ms: number) => Promise<void>;
}

const PREFIX = "aiguilleur.unsent.";
const BACKOFF_MS = [1_000, 2_000, 4_000, 8_000, 15_000];

export type Outbox = ReturnType<typeof createOutbox>;

export function createOutbox({ submit, storage = null, wait }: OutboxDeps) {
  const entries = shallowRef<Entry[]>([]);
  const refusals = shallowRef<Refusal[]>([]);
  const state = shallowRef<OutboxState>("idle");
  const listeners = new Set<Listener>();
  const idle: (() => void)[] = [];
  let draining = false;
  let sending: string | null = null;
  let wake: () => void = () => {};

  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      wake = resolve;
      if (wait) void wait(ms).then(resolve);
      else setTimeout(resolve, ms);
    });

  function put(entry: Entry): void {
    entries.value = [...entries.value, entry];
    write(storage, entry);
    void drain();
  }

  /** Takes back an answer that was never sent. False: it is, or may be, with the server already. */
  function withdraw(key: string): boolean {
    const index = entries.value.findIndex((entry) => entry.body.key === key);
    if (index < 0 || key === sending) return false;
    drop(key);
    return true;
  }

  function drop(key: string): void {
    entries.value = entries.value.filter((entry) => entry.body.key !== key);
    erase(storage, key);
  }

  async function drain(): Promise<void> {
    if (draining) return;
    draining = true;
    let attempt = 0;
    while (entries.value[0]) {
      const entry = entries.value[0];
      sending = entry.body.key;
      if (state.value !== "retrying") state.value = "saving";
      try {
        const result = await submit(entry.body);
        drop(entry.body.key);
        attempt = 0;
        state.value = "saving";
        for (const listener of listeners) listener.saved(entry, result);
      } catch (problem) {
        const error = problem instanceof ApiError ? problem : new ApiError("unexpected", -1);
        if (error.status === 401 || error.code === "not_authenticated") {
          state.value = "signed_out";
          break;
        }
        if (error.retryable) {
          state.value = "retrying";
          await pause(BACKOFF_MS[Math.min(attempt++, BACKOFF_MS.length - 1)] ?? 15_000);
          continue;
        }
        drop(entry.body.key);
        refuse(entry, error);
      }
    }
    sending = null;
    draining = false;
    if (state.value !== "signed_out") state.value = "idle";
    for (const resolve of idle.splice(0)) resolve();
  }

  function refuse(entry: Entry, error: ApiError): void {
    let told = false;
    for (const listener of listeners) told = listener.refused(entry, error) || told;
    if (!told) refusals.value = [...refusals.value, { entry, error }];
  }

  /** Sends again what an earlier page of this person left behind. */
  function resume(userId: number): void {
    const known = new Set(entries.value.map((entry) => entry.body.key));
    const found = readAll(storage).filter((entry) => entry.userId === userId && !known.has(entry.body.key));
    entries.value = [...entries.value.filter((entry) => entry.userId === userId), ...found];
    if (state.value === "signed_out") state.value = "idle";
    if (entries.value.length) void drain();
  }

  /** Resolves when nothing is on its way any more (saved, refused, or waiting for a sign-in). */
  const settled = () => (draining ? new Promise<void>((resolve) => idle.push(resolve)) : Promise.resolve());

  function listen(listener: Listener): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }

  return {
    entries,
    refusals,
    state,
    unsaved: computed(() => entries.value.length),
    put,
    withdraw,
    resume,
    settled,
    listen,
    /** Tries again now: the connection came back, or the person asked. */
    retryNow: () => wake(),
    dismiss: (refusal: Refusal) => (refusals.value = refusals.value.filter((entry) => entry !== refusal)),
  };
}

function write(storage: Storage | null, entry: Entry): void {
  try {
    storage?.setItem(PREFIX + entry.body.key, JSON.stringify(entry));
  } catch {
    // Storage full or refused: the answer is still sent from memory.
  }
}

function erase(storage: Storage | null, key: string): void {
  try {
    storage?.removeItem(PREFIX + key);
  } catch {
    // As above.
  }
}

function readAll(storage: Storage | null): Entry[] {
  const found: Entry[] = [];
  try {
    for (let index = 0; storage && index < storage.length; index++) {
      const name = storage.key(index);
      if (!name?.startsWith(PREFIX)) continue;
      found.push(JSON.parse(storage.getItem(name) ?? "") as Entry);
    }
  } catch {
    // A damaged entry cannot be sent; the others can.
  }
  return found.filter((entry) => entry?.body?.key);
}
