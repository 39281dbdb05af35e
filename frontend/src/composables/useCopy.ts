/** Copies a text. The clipboard API exists only in secure contexts; plain http in a company network has the old way. */
import { onScopeDispose, ref } from "vue";

const SHOWN_MS = 2_500;

function copyTheOldWay(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.readOnly = true;
  area.className = "sr-only";
  document.body.append(area);
  area.select();
  try {
    return document.execCommand("copy");
  } finally {
    area.remove();
  }
}

/** `copied` says for a moment that it worked; `refused` that the person has to copy by hand. */
export function useCopy() {
  const copied = ref(false);
  const refused = ref(false);
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function copy(text: string): Promise<void> {
    let done = false;
    try {
      if (navigator.clipboard) {
        await navigator.clipboard.writeText(text);
        done = true;
      } else done = copyTheOldWay(text);
    } catch {
      done = copyTheOldWay(text);
    }
    copied.value = done;
    refused.value = !done;
    clearTimeout(timer);
    timer = setTimeout(() => (copied.value = false), SHOWN_MS);
  }
  onScopeDispose(() => clearTimeout(timer));
  return { copied, refused, copy };
}
