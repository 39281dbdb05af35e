/** "Why this ticket", in words. */
import { useI18n } from "vue-i18n";
import type { Item } from "@/api/types";
import { useServices } from "./useServices";

export function useWhy() {
  const { t, te } = useI18n();
  const { nameOf } = useServices();

  function why(item: Pick<Item, "why" | "control">): string {
    const { code, params } = item.why;
    const ids = Array.isArray(params.service_ids) ? params.service_ids : [];
    const key = item.control ? "random_control" : code === "customer_waiting" ? asked(params.reason, ids.length) : code;
    return t(te(`teach.why.${key}`) ? `teach.why.${key}` : "teach.why.typical", {
      ...params,
      service: params.service_id === undefined ? "" : nameOf(params.service_id),
      first: ids[0] === undefined ? "" : nameOf(ids[0]),
      second: ids[1] === undefined ? "" : nameOf(ids[1]),
    });
  }
  /** Why the routing asked a person; it hesitates by name only where the names are told. */
  function asked(reason: unknown, services: number): string {
    return reason === "uncertain" && services > 1 ? "hesitates" : `asked.${String(reason)}`;
  }
  return { why };
}
