/** j and k walk, / searches; typing in a field and the browser's shortcuts are left alone. */
import { onBeforeUnmount, onMounted } from "vue";
import { isTyping } from "./useDeskKeys";

/** `on` maps a key to what it does; returning false leaves the key to the browser. */
export function useListKeys(on: Record<string, (event: KeyboardEvent) => unknown>): void {
  const listen = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (isTyping(event.target)) return;
    const run = on[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (run && run(event) !== false) event.preventDefault();
  };
  onMounted(() => window.addEventListener("keydown", listen));
  onBeforeUnmount(() => window.removeEventListener("keydown", listen));
}
