/** Walking through a list's rows by their links, and coming back to the row that was opened. */
import type { Ref } from "vue";

let opened: number | null = null;

export function useRowFocus(body: Ref<HTMLElement | null>) {
  const links = () => [...(body.value?.querySelectorAll<HTMLElement>("[data-ticket]") ?? [])];
  const linkOf = (id: number) => body.value?.querySelector<HTMLElement>(`[data-ticket="${id}"]`) ?? null;

  function focus(link: HTMLElement | null | undefined): boolean {
    if (!link) return false;
    link.focus({ preventScroll: true });
    link.scrollIntoView({ block: "nearest" });
    return true;
  }
  /** False at either end. Without a focused row, the one that was opened or the first is taken. */
  function move(by: 1 | -1): boolean {
    const all = links();
    const at = all.indexOf(document.activeElement as HTMLElement);
    if (at < 0) return focus((opened !== null && linkOf(opened)) || all[0]);
    return focus(all[at + by]);
  }
  function after(id: number): void {
    const all = links();
    const at = all.findIndex((link) => link.dataset.ticket === String(id));
    focus(all[at + 1]);
  }
  return {
    move,
    after,
    remember: (id: number) => void (opened = id),
    forget: () => void (opened = null),
    /** Back from a ticket: its row again, if it is still there. */
    restore: () => {
      const link = opened === null ? null : linkOf(opened);
      if (!link) return;
      link.focus({ preventScroll: true });
      link.scrollIntoView({ block: "center" });
    },
  };
}
