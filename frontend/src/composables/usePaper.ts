/** Paper is white: while the page is printed it wears the light theme, charts included. */
import { onMounted, onScopeDispose, ref } from "vue";

export function usePaper() {
  let before: string | undefined;
  const printedAt = ref(new Date().toISOString());
  const root = document.documentElement;

  function lighten(): void {
    printedAt.value = new Date().toISOString();
    before = root.dataset.theme;
    root.dataset.theme = "light";
  }
  function restore(): void {
    if (before === undefined) delete root.dataset.theme;
    else root.dataset.theme = before;
  }
  onMounted(() => {
    window.addEventListener("beforeprint", lighten);
    window.addEventListener("afterprint", restore);
  });
  onScopeDispose(() => {
    window.removeEventListener("beforeprint", lighten);
    window.removeEventListener("afterprint", restore);
  });
  return { printedAt, print: () => window.print() };
}
