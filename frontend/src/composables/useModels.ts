/** The model versions, and one of them. They never change, but a new evaluation may come. */
import { useQuery } from "@tanstack/vue-query";
import { computed, type Ref } from "vue";
import { training } from "@/api/endpoints";

export function useModels() {
  return useQuery({ queryKey: ["models"], queryFn: training.models, refetchInterval: 15_000 });
}

export function useModel(version: Ref<number>) {
  return useQuery({
    queryKey: computed(() => ["model", version.value]),
    queryFn: () => training.model(version.value),
    refetchInterval: 15_000,
  });
}
