/** One function per endpoint that the pages call; paths are written here and nowhere else. */
import { api, buildUrl, del, get, patch, post } from "./client";
import type * as T from "./types";
import { upload, type UploadHooks } from "./upload";

export const session = {
  read: () => get<T.Session>("/api/session/"),
  signIn: (username: string, password: string) => post<T.Session>("/api/session/", { username, password }),
  signOut: () => del<T.Session | undefined>("/api/session/"),
  patchMe: (changes: Partial<Pick<T.User, "language" | "time_zone" | "display_name">>) =>
    patch<T.User>("/api/me/", changes),
};

export const services = {
  list: () => get<T.Page<T.Service>>("/api/services/"),
  create: (fields: T.ServiceWrite) => post<T.Service>("/api/services/", fields),
  update: (id: number, fields: T.ServiceWrite) => patch<T.Service>(`/api/services/${id}/`, fields),
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

export const people = {
  setUp: (account: T.NewAccount) => post<T.Session>("/api/setup/", account),
  list: () => get<T.List<T.User>>("/api/people/"),
  invitations: () => get<T.List<T.Invitation>>("/api/invitations/"),
  invite: (role: T.Role, email: string) => post<T.InvitationWithLink>("/api/invitations/", { role, email }),
  withdraw: (id: number) => del<undefined>(`/api/invitations/${id}/`),
  invitation: (secret: string) => get<T.InvitationView>(`/api/invitations/${encodeURIComponent(secret)}/`),
  join: (secret: string, account: T.NewAccount) =>
    post<T.Session>(`/api/invitations/${encodeURIComponent(secret)}/accept/`, account),
  tokens: () => get<T.List<T.Token>>("/api/tokens/"),
  makeToken: (name: string) => post<T.TokenWithSecret>("/api/tokens/", { name }),
  revokeToken: (id: number) => del<undefined>(`/api/tokens/${id}/`),
};

export const training = {
  runs: (cursor: string | null) => get<T.Page<T.Run>>("/api/runs/", { cursor }),
  run: (id: number) => get<T.RunDetail>(`/api/runs/${id}/`),
  start: () => post<T.RunDetail>("/api/runs/"),
  cancel: (id: number) => post<T.RunDetail>(`/api/runs/${id}/cancel/`),
  retry: (id: number) => post<T.RunDetail>(`/api/runs/${id}/retry/`),
  models: () => get<T.List<T.Model>>("/api/models/"),
  model: (version: number) => get<T.ModelDetail>(`/api/models/${version}/`),
  decide: (version: number, approved: boolean, reason: string) =>
    post<T.RegistryEntry>(`/api/models/${version}/approval/`, { approved, reason }),
  policy: () => get<T.Policy>("/api/policy/"),
  savePolicy: (changes: T.PolicyWrite) => patch<T.Policy>("/api/policy/", changes),
  trySchedule: (cron: string) => get<T.PolicySchedule>("/api/policy/schedule/", { cron }),
};

export const snapshots = {
  list: (cursor: string | null) => get<T.Page<T.SnapshotListed>>("/api/snapshots/", { cursor }),
  take: () => post<T.SnapshotDetail>("/api/snapshots/"),
  read: (name: string) => get<T.SnapshotDetail>(`/api/snapshots/${name}/`),
  rows: (name: string, service: string, origin: string, cursor: string | null) =>
    get<T.Page<T.SnapshotRow>>(`/api/snapshots/${name}/rows/`, { service, origin, cursor }),
  compare: (before: string, after: string) => get<T.SnapshotComparison>(`/api/snapshots/${before}/compare/${after}/`),
  changes: (before: string, after: string, kind: T.SnapshotChange, cursor: string | null) =>
    get<T.Page<T.SnapshotRow>>(`/api/snapshots/${before}/compare/${after}/${kind}/`, { cursor }),
  exportUrl: (name: string, form: "jsonl" | "csv") => buildUrl(`/api/snapshots/${name}/export/`, { form }),
  restore: (name: string) => post<T.SnapshotRestored>(`/api/snapshots/${name}/restore/`),
  train: (name: string) => post<{ run: number }>(`/api/snapshots/${name}/train/`),
};

export const written = {
  list: (service: number) => get<T.WrittenList>("/api/written/", { service: String(service) }),
  write: (service_id: number, texts: string[]) => post<T.WriteReport>("/api/written/", { service_id, texts }, { timeoutMs: 60_000 }),
  nearest: (text: string, signal?: AbortSignal) => api<T.List<T.NearTicket>>("POST", "/api/written/nearest/", { body: { text }, signal }),
  readFile: (form: FormData) => post<{ texts: string[] }>("/api/written/read/", form, { timeoutMs: 60_000 }),
  remove: (id: number) => del<undefined>(`/api/written/${id}/`),
};

export const ticketTable = {
  list: (query: Record<string, string>, cursor: string, signal?: AbortSignal) =>
    get<T.TicketPage>("/api/tickets/", { ...query, cursor }, signal),
  facets: () => get<T.TicketFacets>("/api/tickets/facets/"),
  read: (id: number) => get<T.TicketDetail>(`/api/tickets/${id}/`),
  relabel: (id: number, body: T.Relabel) => post<T.TicketDetail>(`/api/tickets/${id}/label/`, body),
  reopen: (id: number) => post<T.TicketDetail>(`/api/tickets/${id}/reopen/`),
  exportUrl: (status: string, service: string) => buildUrl("/api/tickets/export/", { status, service }),
};

export const trial = {
  ask: (text: string, signal?: AbortSignal) => api<T.TryResult>("POST", "/api/try/", { body: { text }, signal, timeoutMs: 30_000 }),
};

export const imports = {
  list: () => get<T.List<T.ImportReport>>("/api/imports/"),
  read: (id: number) => get<T.ImportReport>(`/api/imports/${id}/`),
  preview: (form: FormData) => post<T.ImportPreview>("/api/imports/preview/", form, { timeoutMs: 60_000 }),
  start: (form: FormData, hooks: UploadHooks) => upload<T.ImportReport>("/api/imports/", form, hooks),
};

export const escalations = { list: () => get<T.EscalationInbox>("/api/escalations/") };

export const triage = {
  list: () => get<T.TriageInbox>("/api/triage/"),
  decide: (ticketId: number, body: T.TriageDecision) => post<T.Annotation>(`/api/triage/${ticketId}/`, body),
};

export const judging = {
  claim: () => post<T.JudgingClaim>("/api/judging/claim/"),
  judge: (pairId: number, body: T.JudgeBody) => post<T.Judged>(`/api/judging/${pairId}/`, body, { keepalive: true }),
  release: (pairId: number, lease: string) =>
    post<{ released: boolean }>(`/api/judging/${pairId}/release/`, { lease }, { keepalive: true }),
  undo: (judgementId: number) => post<T.Unjudged>("/api/judging/undo/", { judgement_id: judgementId }),
};

export const observation = {
  read: () => get<T.ObservationAnswer>("/api/observation/"),
  start: (body: T.ObservationStart) => post<T.ObservationAnswer>("/api/observation/", body),
  share: (id: number, share: number) => patch<T.ObservationAnswer>(`/api/observation/${id}/share/`, { share }),
  stop: (id: number, why: string) => post<T.ObservationAnswer>(`/api/observation/${id}/stop/`, { why }),
  promote: (id: number, why: string) => post<T.Production>(`/api/observation/${id}/promotion/`, { why }),
};

export const production = {
  read: () => get<T.Production>("/api/production/"),
  approve: (promotionId: number) => post<T.Production>(`/api/promotions/${promotionId}/approve/`),
  withdraw: (promotionId: number, why: string) => post<T.Production>(`/api/promotions/${promotionId}/withdraw/`, { why }),
  rollback: (why: string) => post<T.Production>("/api/production/rollback/", { why }),
  dossier: (promotionId: number) => get<T.Dossier>(`/api/promotions/${promotionId}/dossier/`),
  watchRead: (watchId: number) => post<T.Production>(`/api/watches/${watchId}/read/`),
  history: (before: number | null) => get<T.HistoryPage>("/api/history/", before ? { before: String(before) } : {}),
};

export const dashboard = {
  headlines: () => get<T.List<T.Headline>>("/api/evaluations/"),
  effort: () => get<T.Effort>("/api/evaluations/effort/"),
  report: (version: number) => get<T.VersionReport>(`/api/models/${version}/evaluation/`),
  outlook: (version: number) => get<T.Outlook>(`/api/models/${version}/threshold/`),
  /** Not through `buildUrl`, which drops what is empty: an empty `truth` asks for tickets of no service. */
  answered: (version: number, query: Record<string, string>, cursor: string, signal?: AbortSignal) =>
    get<T.AnsweredPage>(`/api/models/${version}/tickets/?${new URLSearchParams({ ...query, cursor })}`, undefined, signal),
  compare: (first: number, second: number) => get<T.VersionsCompared>("/api/models/compare/", { first, second }),
  gate: (version: number) => get<T.VersionGate>(`/api/models/${version}/gate/`),
  override: (version: number, purpose: T.OverridePurpose, reason: string) =>
    post<T.VersionGate>(`/api/models/${version}/gate/override/`, { purpose, reason }),
  gateSettings: () => get<T.GateSettings>("/api/gate/"),
  saveGateSettings: (changes: Partial<T.GateSettings>) => patch<T.GateSettings>("/api/gate/", changes),
};

export const drift = {
  read: () => get<T.Drift>("/api/drift/"),
  check: () => api<T.Drift>("POST", "/api/drift/", { timeoutMs: 120_000 }),
  series: (kind: T.DriftKind) => get<T.DriftSeries>(`/api/drift/${kind}/`),
  endHold: (id: number) => del<undefined>(`/api/holds/${id}/`),
};
