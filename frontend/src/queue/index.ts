/** The queue and outbox of the signed-in person, wired to the real server, clock and page. */
import { onBeforeUnmount, onMounted } from "vue";
import { queue as api } from "@/api/endpoints";
import type { Mode } from "@/api/types";
import { useSession } from "@/stores/session";
import { createOutbox } from "./outbox";
import { createQueue } from "./queue";

const HEARTBEAT_MS = 45_000;

function browserStorage(): Storage | null {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

/** One for the whole application: an answer on its way outlives the page it was given on. */
export const outbox = createOutbox({ submit: api.submit, storage: browserStorage() });

window.addEventListener("online", () => outbox.retryNow());
window.addEventListener("beforeunload", (event) => {
  if (outbox.state.value === "retrying") event.preventDefault();
});

export function useQueue(mode: Mode) {
  const session = useSession();
  const queue = createQueue({ mode, userId: session.user?.id ?? 0, api, outbox });
  let timer: ReturnType<typeof setInterval> | undefined;

  const onVisible = () => {
    if (document.visibilityState === "visible") void queue.heartbeat();
  };
  // Reloaded or closed, nobody knows: after a reload the same ticket must come back, else its lease runs out.
  const onHide = () => queue.stop(true);
  // Restored from the back/forward cache: the leases were given back when it was hidden.
  const onShow = (event: PageTransitionEvent) => {
    if (event.persisted) void queue.start();
  };

  onMounted(() => {
    void queue.start();
    timer = setInterval(() => void queue.heartbeat(), HEARTBEAT_MS);
    document.addEventListener("visibilitychange", onVisible);
    window.addEventListener("pagehide", onHide);
    window.addEventListener("pageshow", onShow);
  });
  onBeforeUnmount(() => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", onVisible);
    window.removeEventListener("pagehide", onHide);
    window.removeEventListener("pageshow", onShow);
    queue.close();
  });
  return queue;
}
