/** Typing narrows the services; the best match is marked. The order and the keys never change. */
import { computed, ref, watch } from "vue";
import type { Service } from "@/api/types";

/** Lower case without accents: "reclamation" finds "Réclamation". */
export function plain(text: string): string {
  return text
    .normalize("NFD")
    .replace(/\p{M}/gu, "")
    .toLowerCase();
}

export function matchServices(services: Service[], text: string): Service[] {
  const words = plain(text).split(/\s+/).filter(Boolean);
  if (!words.length) return services;
  return services.filter((service) => {
    const hay = plain(`${service.name} ${service.code} ${service.description}`);
    return words.every((word) => hay.includes(word));
  });
}

export function useServiceFilter(services: () => Service[]) {
  const text = ref("");
  const at = ref(0);
  const matches = computed(() => matchServices(services(), text.value));
  const marked = computed(() => (text.value ? (matches.value[Math.min(at.value, matches.value.length - 1)] ?? null) : null));
  watch(text, (now) => {
    const start = plain(now);
    const begins = matches.value.findIndex((service) => plain(service.name).startsWith(start));
    at.value = Math.max(0, begins);
  });
  const move = (step: number) => {
    const count = matches.value.length;
    if (count) at.value = (Math.min(at.value, count - 1) + step + count) % count;
  };
  const clear = () => (text.value = "");
  return { text, matches, marked, move, clear };
}
