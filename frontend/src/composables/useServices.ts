/** The services, their stable colour and their name; one query shared by every page. */
import { useQuery } from "@tanstack/vue-query";
import { computed } from "vue";
import { services as endpoint } from "@/api/endpoints";
import type { Service } from "@/api/types";

/** Tol's "muted" and "bright" schemes: told apart with every common colour blindness, in both themes. */
const PALETTE = [
  "#4477aa", "#cc6677", "#ddaa33", "#228833", "#66ccee", "#aa3377",
  "#88ccaa", "#999933", "#882255", "#44aa99", "#ee8866", "#7777bb",
];

export function serviceColor(service: Pick<Service, "color" | "position" | "id">): string {
  if (/^#[0-9a-f]{3,8}$/i.test(service.color ?? "")) return service.color;
  const index = (service.position ?? service.id) % PALETTE.length;
  return PALETTE[index] ?? "#4477aa";
}

export const SERVICES_KEY = ["services"] as const;

export function useServices() {
  const query = useQuery({ queryKey: SERVICES_KEY, queryFn: endpoint.list, staleTime: 30_000 });
  const all = computed<Service[]>(() =>
    [...(query.data.value?.results ?? [])].sort((a, b) => a.position - b.position || a.id - b.id),
  );
  const active = computed(() => all.value.filter((service) => service.is_active));
  const byId = computed(() => new Map(all.value.map((service) => [service.id, service])));
  const nameOf = (id: unknown) => byId.value.get(Number(id))?.name ?? `#${String(id)}`;
  return { query, all, active, byId, nameOf };
}
