/**
 * The only place that talks HTTP. Same origin, session cookie, CSRF header, JSON in and out.
 *
 * Every failure becomes an `ApiError` with the server's code and parameters, or one of our own
 * codes: `network` (no answer), `timeout`, `bad_answer` (not the envelope we know).
 */
import type { Params } from "./types";

export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly status: number,
    readonly params: Params = {},
    readonly fields: Record<string, FieldProblem[]> = {},
    message = code,
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** True when nothing tells us that the server saw or refused the request: sending it again is right. */
  get retryable(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

export interface FieldProblem {
  code: string;
  message?: string;
}

export interface RequestOptions {
  query?: Record<string, string | number | boolean | null | undefined>;
  body?: unknown;
  signal?: AbortSignal;
  timeoutMs?: number;
  /** Lets the request outlive the page (leaving, closing). */
  keepalive?: boolean;
}

type Method = "GET" | "POST" | "PATCH" | "PUT" | "DELETE";

let csrfToken = "";
let onSignedOut: () => void = () => {};
let renewCsrf: () => Promise<void> = async () => {};

export function setCsrfToken(token: string): void {
  csrfToken = token;
}
export const currentCsrfToken = () => csrfToken;

/** The session store says what happens when the server no longer knows us. */
export function configureClient(hooks: { signedOut: () => void; renewCsrf: () => Promise<void> }): void {
  onSignedOut = hooks.signedOut;
  renewCsrf = hooks.renewCsrf;
}

export function buildUrl(path: string, query: RequestOptions["query"] = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "") search.set(name, String(value));
  }
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

export function api<T>(method: Method, path: string, options: RequestOptions = {}): Promise<T> {
  return guarded(() => send<T>(method, path, options));
}

/** Sends once more with a fresh CSRF token if the old one was stale; tells the session when we are signed out. */
export async function guarded<T>(attempt: () => Promise<T>): Promise<T> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof ApiError && error.code === "csrf_failed") {
      await renewCsrf();
      return await attempt();
    }
    if (error instanceof ApiError && isSignedOut(error)) onSignedOut();
    throw error;
  }
}

export const get = <T>(path: string, query?: RequestOptions["query"], signal?: AbortSignal) =>
  api<T>("GET", path, { query, signal });
export const post = <T>(path: string, body?: unknown, options: RequestOptions = {}) =>
  api<T>("POST", path, { ...options, body });
export const patch = <T>(path: string, body?: unknown) => api<T>("PATCH", path, { body });
export const del = <T>(path: string) => api<T>("DELETE", path);

function isSignedOut(error: ApiError): boolean {
  return error.status === 401 && error.code !== "bad_credentials";
}

async function send<T>(method: Method, path: string, options: RequestOptions): Promise<T> {
  const timer = new AbortController();
  const timeout = setTimeout(() => timer.abort(), options.timeoutMs ?? 20_000);
  const abort = () => timer.abort();
  options.signal?.addEventListener("abort", abort);
  const form = options.body instanceof FormData;
  const headers: Record<string, string> = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken;
  if (options.body !== undefined && !form) headers["Content-Type"] = "application/json";
  try {
    const response = await fetch(buildUrl(path, options.query), {
      method,
      headers,
      credentials: "same-origin",
      keepalive: options.keepalive ?? false,
      signal: timer.signal,
      body: form ? (options.body as FormData) : options.body === undefined ? undefined : JSON.stringify(options.body),
    });
    return await read<T>(response);
  } catch (error) {
    if (error instanceof ApiError) throw error;
    if (options.signal?.aborted) throw error;
    throw new ApiError(timer.signal.aborted ? "timeout" : "network", 0);
  } finally {
    clearTimeout(timeout);
    options.signal?.removeEventListener("abort", abort);
  }
}

async function read<T>(response: Response): Promise<T> {
  if (response.ok && response.status === 204) return undefined as T;
  return understand<T>(response.status, await response.text());
}

/** The answer's data, or its failure as an ApiError. */
export function understand<T>(status: number, text: string): T {
  const ok = status >= 200 && status < 300;
  let data: unknown;
  try {
    data = text ? JSON.parse(text) : undefined;
  } catch {
    if (ok) throw new ApiError("bad_answer", status);
  }
  if (ok) return data as T;
  throw toError(status, data);
}

function toError(status: number, data: unknown): ApiError {
  const envelope = (data as { error?: Record<string, unknown> } | undefined)?.error;
  if (envelope && typeof envelope.code === "string") {
    const stale = status === 403 && String(envelope.message ?? "").startsWith("CSRF");
    return new ApiError(
      stale ? "csrf_failed" : envelope.code,
      status,
      (envelope.params as Params) ?? {},
      (envelope.fields as Record<string, FieldProblem[]>) ?? {},
      typeof envelope.message === "string" ? envelope.message : undefined,
    );
  }
  const byStatus: Record<number, string> = {
    401: "not_authenticated",
    // The API always sends its envelope; a bare 403 is Django's own page about the CSRF token.
    403: "csrf_failed",
    404: "not_found",
    413: "too_large",
    429: "throttled",
  };
  return new ApiError(byStatus[status] ?? (status >= 500 ? "server_error" : "bad_answer"), status);
}
