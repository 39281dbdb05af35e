/** Creating, changing and ordering services. Names typed fast are created one after the other, in order. */
import { useQueryClient } from "@tanstack/vue-query";
import { computed, ref } from "vue";
import { services as endpoint } from "@/api/endpoints";
import type { Page, Service, ServiceWrite } from "@/api/types";
import type { ServiceLine } from "./serviceLines";
import { SERVICES_KEY } from "./useServices";

export interface Refusal {
  name: string;
  problem: unknown;
}

export function useServiceEdits() {
  const queries = useQueryClient();
  const waiting = ref<ServiceLine[]>([]);
  const refused = ref<Refusal[]>([]);
  const created = ref(0);
  const creating = computed(() => waiting.value.length > 0);
  let working: Promise<void> | null = null;

  function keep(service: Service): void {
    queries.setQueryData<Page<Service>>(SERVICES_KEY, (now) => {
      if (!now) return now;
      const others = now.results.filter((one) => one.id !== service.id);
      return { ...now, results: [...others, service] };
    });
  }

  /** Resolves when everything that waited has been tried. */
  function create(lines: ServiceLine[]): Promise<void> {
    waiting.value.push(...lines);
    working ??= work().finally(() => (working = null));
    return working;
  }

  async function work(): Promise<void> {
    created.value = 0;
    refused.value = [];
    do {
      for (let line = waiting.value[0]; line; line = waiting.value[0]) {
        try {
          keep(await endpoint.create({ name: line.name, name_fr: line.name_fr }));
          created.value += 1;
        } catch (problem) {
          refused.value.push({ name: line.name, problem });
        }
        waiting.value.shift();
      }
      await queries.invalidateQueries({ queryKey: SERVICES_KEY });
      // A name typed while the list was read again found this still working.
    } while (waiting.value.length);
  }

  async function update(id: number, fields: ServiceWrite): Promise<Service> {
    const service = await endpoint.update(id, fields);
    keep(service);
    return service;
  }

  /** Puts the services in this order; only those that move are written. */
  async function reorder(ordered: Service[]): Promise<void> {
    const moved = ordered.map((service, position) => ({ service, position })).filter((one) => one.service.position !== one.position);
    for (const { service, position } of moved) keep({ ...service, position });
    try {
      for (const { service, position } of moved) await endpoint.update(service.id, { position });
    } finally {
      await queries.invalidateQueries({ queryKey: SERVICES_KEY });
    }
  }

  return { waiting, refused, created, creating, create, update, reorder };
}
