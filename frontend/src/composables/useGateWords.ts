/** What the gate and the certificate say, in sentences. */
import { useI18n } from "vue-i18n";
import type { Certificate, GateReason } from "@/api/types";
import { useFormat } from "./useFormat";
import { useServiceCodes } from "./useServiceCodes";
import { useShares } from "./useShares";

type Params = Record<string, unknown>;

export function useGateWords() {
  const { t, te } = useI18n();
  const { number } = useFormat();
  const { share } = useShares();
  const { nameOfCode } = useServiceCodes();
  const names = (codes: unknown): string => (Array.isArray(codes) ? codes.map((code) => nameOfCode(String(code))).join(", ") : "");

  /** Figures as the sentence needs them; milliseconds and counts are no shares. */
  function figures(code: string, params: Params): Params {
    const isMillis = code === "slow" || code === "latency_unknown";
    const figure = (value: unknown) => (typeof value !== "number" ? "—" : isMillis ? number(value) : share(value));
    return {
      value: figure(params.value),
      limit: figure(params.limit),
      lost: typeof params.lost === "number" ? number(params.lost * 100) : "—",
      points: typeof params.limit === "number" ? number(params.limit * 100) : "—",
      service: nameOfCode(String(params.service ?? "")),
      services: names(params.services),
      tickets: number(Number(params.tickets ?? 0)),
      n: number(Number(params.n ?? 0)),
      needed: number(Number(params.needed ?? 0)),
      more: typeof params.more_labels === "number" ? number(params.more_labels) : "",
    };
  }

  function reason({ code, params }: Pick<GateReason, "code" | "params">): string {
    if (!te(`dashboard.reason.${code}`)) return t("dashboard.reason.other", { code });
    const said = figures(code, params);
    const [measured, asked] = [typeof params.value === "number", `dashboard.reason.${code}_unmeasured`];
    const words = t(!measured && te(asked) ? asked : `dashboard.reason.${code}`, said);
    if (code !== "not_certified") return words;
    const why = te(`dashboard.state.${params.state}`) ? t(`dashboard.state.${params.state}`) : "";
    return [words, why, said.more ? t("dashboard.promise.more", { n: said.more }, Number(params.more_labels)) : ""].filter(Boolean).join(" ");
  }

  const short = (code: string): string => (te(`dashboard.short.${code}`) ? t(`dashboard.short.${code}`) : code);

  /** What it would take, or "" where no number of labels would do. */
  function wanting(certificate: Pick<Certificate, "state" | "more_labels">): string {
    const more = certificate.more_labels;
    return certificate.state === "certified" || !more ? "" : t("dashboard.promise.more", { n: number(more) }, more);
  }

  return { reason, short, names, wanting };
}
