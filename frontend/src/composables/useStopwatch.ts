/** How long a ticket has been looked at: time while the page is hidden does not count. */
import { onBeforeUnmount, onMounted } from "vue";

export function createStopwatch(now: () => number = () => performance.now()) {
  let spent = 0;
  let since: number | null = now();
  return {
    restart: () => {
      spent = 0;
      since = document.visibilityState === "hidden" ? null : now();
    },
    pause: () => {
      if (since !== null) spent += now() - since;
      since = null;
    },
    resume: () => {
      since ??= now();
    },
    /** Milliseconds. */
    read: () => spent + (since === null ? 0 : now() - since),
  };
}

export function useStopwatch() {
  const watch = createStopwatch();
  const follow = () => (document.visibilityState === "hidden" ? watch.pause() : watch.resume());
  onMounted(() => document.addEventListener("visibilitychange", follow));
  onBeforeUnmount(() => document.removeEventListener("visibilitychange", follow));
  return watch;
}
