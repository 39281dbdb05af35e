/**
 * Turns a failure into three sentences: what happened, what is safe, what to do.
 *
 * Looks up `errors.<code>.{what,safe,do}`; a code without sentences of its own gets those of its
 * kind (server, network, refused), and the code is shown so that it can be reported.
 */
import { useI18n } from "vue-i18n";
import { ApiError, type FieldProblem } from "@/api/client";

export interface ErrorText {
  what: string;
  safe: string;
  todo: string;
  code: string;
}

export function useErrorText() {
  const { t, te } = useI18n();

  function known(error: ApiError): string {
    if (te(`errors.${error.code}.what`)) return error.code;
    if (error.status === 0) return "network";
    if (error.status >= 500) return "server_error";
    if (error.status === 404) return "not_found";
    if (error.status === 403) return "permission_denied";
    return "refused";
  }

  function explain(problem: unknown): ErrorText {
    const error = problem instanceof ApiError ? problem : new ApiError("unexpected", -1);
    const key = known(error);
    const part = (name: string) => (te(`errors.${key}.${name}`) ? t(`errors.${key}.${name}`, error.params) : "");
    return { what: part("what"), safe: part("safe"), todo: part("do"), code: error.code };
  }

  /** The sentence under a form field, or "" when the field is fine. */
  function fieldText(problem: unknown, field: string): string {
    const list: FieldProblem[] = problem instanceof ApiError ? (problem.fields[field] ?? []) : [];
    return list
      .map(({ code, message }) => (te(`errors.fields.${code}`) ? t(`errors.fields.${code}`) : (message ?? code)))
      .join(" ");
  }

  return { explain, fieldText };
}
