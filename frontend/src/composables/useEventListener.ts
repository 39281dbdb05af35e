/** Listens while the component lives. */
import { onMounted, onUnmounted } from "vue";

export function useEventListener<K extends keyof WindowEventMap>(
  target: Window,
  name: K,
  listener: (event: WindowEventMap[K]) => void,
): void {
  onMounted(() => target.addEventListener(name, listener));
  onUnmounted(() => target.removeEventListener(name, listener));
}
