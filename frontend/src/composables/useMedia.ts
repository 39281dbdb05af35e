/** Whether a media query holds, followed while the page is open. */
import { onScopeDispose, ref } from "vue";

export function useMedia(query: string) {
  const list = window.matchMedia(query);
  const holds = ref(list.matches);
  const follow = () => (holds.value = list.matches);
  list.addEventListener("change", follow);
  onScopeDispose(() => list.removeEventListener("change", follow));
  return holds;
}
