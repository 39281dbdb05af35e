/** The services, their stable colour and their name in the page's language; one query shared by every page. */
import { useQuery } from "@tanstack/vue-query";
import { computed } from "vue";
import { useI18n } from "vue-i18n";
import { services as endpoint } from "@/api/endpoints";
import type { Service } from "@/api/types";

/** Tol's "muted" and "bright" schemes: told apart with every common colour blindness, in both themes. */
const PALETTE = [
  "#4477aa", "#cc6677", "#ddaa33", "#228833", "#66ccee", "#aa3377",
  "#88ccaa", "#999933", "#882255", "#44aa99", "#ee8866", "#7777bb",
];

export function serviceColor(service: Pick<Service, "color">): string {
  return PALETTE[service.color % PALETTE.length] ?? "#4477aa";
}

export const SERVICE_COLORS = PALETTE.length;

export const SERVICES_KEY = ["services"] as const;

/** `all`, `active` and `byId` carry the name to show; who edits services reads `query`, as stored. */
export function useServices() {
  const { locale } = useI18n();
  const shown = (service: Service): Service =>
    locale.value === "fr" && service.name_fr ? { ...service, name: service.name_fr } : service;
  const query = useQuery({ queryKey: SERVICES_KEY, queryFn: endpoint.list, staleTime: 30_000 });
  const all = computed<Service[]>(() =>
    (query.data.value?.results ?? []).map(shown).sort((a, b) => a.position - b.position || a.id - b.id),
  );
  const active = computed(() => all.value.filter((service) => service.is_active));
  const byId = computed(() => new Map(all.value.map((service) => [service.id, service])));
  const nameOf = (id: unknown) => byId.value.get(Number(id))?.name ?? `#${String(id)}`;
  return { query, all, active, byId, nameOf };
}
