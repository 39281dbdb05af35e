/** "Why this ticket", in words. */
import { useI18n } from "vue-i18n";
import type { Item } from "@/api/types";
import { useServices } from "./useServices";

export function useWhy() {
  const { t, te } = useI18n();
  const { nameOf } = useServices();

  function why(item: Pick<Item, "why" | "control">): string {
    const { code, params } = item.why;
    const key = item.control ? "random_control" : te(`teach.why.${code}`) ? code : "typical";
    const ids = Array.isArray(params.service_ids) ? params.service_ids : [];
    return t(`teach.why.${key}`, {
      ...params,
      service: params.service_id === undefined ? "" : nameOf(params.service_id),
      first: ids[0] === undefined ? "" : nameOf(ids[0]),
      second: ids[1] === undefined ? "" : nameOf(ids[1]),
    });
  }
  return { why };
}
