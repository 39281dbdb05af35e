/** Light, dark or the system's choice; kept in this browser. `public/theme.js` applies it before paint. */
import { ref } from "vue";

export type Theme = "auto" | "light" | "dark";
const STORED = "aiguilleur.theme";
const ORDER: Theme[] = ["auto", "light", "dark"];

const theme = ref<Theme>(read());

function read(): Theme {
  try {
    const value = localStorage.getItem(STORED);
    return value === "light" || value === "dark" ? value : "auto";
  } catch {
    return "auto";
  }
}

function set(value: Theme): void {
  theme.value = value;
  if (value === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = value;
  try {
    if (value === "auto") localStorage.removeItem(STORED);
    else localStorage.setItem(STORED, value);
  } catch {
    // Storage refused: the choice lasts until the page closes.
  }
}

export function useTheme() {
  const next = () => set(ORDER[(ORDER.indexOf(theme.value) + 1) % ORDER.length] ?? "auto");
  return { theme, set, next };
}
