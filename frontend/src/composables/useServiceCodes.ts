/** Models and snapshots name services by their code; this gives the name in the page's language. */
import { computed } from "vue";
import { useServices } from "./useServices";

export function useServiceCodes() {
  const { all } = useServices();
  const byCode = computed(() => new Map(all.value.map((service) => [service.code, service])));
  /** The code itself for a service deleted since. */
  const nameOfCode = (code: string) => byCode.value.get(code)?.name ?? code;
  const idOfCode = (code: string) => byCode.value.get(code)?.id;
  return { nameOfCode, idOfCode };
}
