/** One function per endpoint that the pages call; paths are written here and nowhere else. */
import { del, get, patch, post } from "./client";
import type * as T from "./types";

export const session = {
  read: () => get<T.Session>("/api/session/"),
  signIn: (username: string, password: string) => post<T.Session>("/api/session/", { username, password }),
  signOut: () => del<T.Session | undefined>("/api/session/"),
  patchMe: (changes: Partial<Pick<T.User, "language" | "time_zone" | "display_name">>) =>
    patch<T.User>("/api/me/", changes),
};

export const services = {
  list: () => get<T.Page<T.Service>>("/api/services/"),
};

export const queue = {
  claim: (mode: T.Mode, count: number, holding: string[]) =>
    post<T.Claim>("/api/queue/claim/", { mode, count, holding }),
  heartbeat: (leases: string[]) => post<T.Heartbeat>("/api/queue/heartbeat/", { leases }),
  release: (leases: string[]) => post<{ released: number }>("/api/queue/release/", { leases }, { keepalive: true }),
  submit: (body: T.SubmitBody) => post<T.SubmitResult>("/api/queue/submit/", body, { keepalive: true }),
  undo: (annotationId: number) => post<T.UndoResult>("/api/queue/undo/", { annotation_id: annotationId }),
  progress: () => get<T.Progress>("/api/queue/progress/"),
};

export const tickets = {
  similar: (id: number) => get<{ results: T.SimilarTicket[] }>(`/api/tickets/${id}/similar/`),
};

export const loop = { read: () => get<T.Loop>("/api/loop/") };
export const home = { read: () => get<T.Home>("/api/home/") };
