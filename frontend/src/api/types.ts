/**
 * The shapes of the HTTP API as the pages use them.
 *
 * Ids are integers, dates are ISO 8601 in UTC, lists are keyset pages. The server sends codes and
 * parameters; the sentences live in `src/locales`.
 */

export type Role = "annotator" | "reviewer" | "lead" | "admin" | "machine";
export type Language = "en" | "fr";
export type Params = Record<string, unknown>;
export type Band = "sure" | "hesitating" | "lost";
export type Mode = "teach" | "check";

export interface Page<T> {
  results: T[];
  next: string | null;
  total?: number;
}

// --- session ---------------------------------------------------------------------------------

export interface User {
  id: number;
  username: string;
  display_name: string;
  role: Role;
  /** Empty: not chosen yet, the browser decides. */
  language: Language | "";
  time_zone: string;
}

export interface DemoAccount {
  username: string;
  password: string;
  role: Role;
}

export interface Installation {
  name: string;
  version: string;
  demo: boolean;
  demo_accounts: DemoAccount[];
  time_zone: string;
  needs_setup: boolean;
}

export interface Session {
  user: User | null;
  installation: Installation;
  csrf_token: string;
}

// --- services ---------------------------------------------------------------------------------

export interface Service {
  id: number;
  code: string;
  name: string;
  description: string;
  guideline: string;
  /** The key that labels with this service, for life. Empty when all keys are taken. */
  key: string;
  color: string;
  position: number;
  is_active: boolean;
  label_count: number;
}

// --- queue ------------------------------------------------------------------------------------

export interface Lease {
  token: string;
  expires_at: string;
}

export interface Candidate {
  service_id: number;
  probability: number;
}

export interface Suggestion extends Candidate {
  band: Band;
}

export interface QueueTicket {
  id: number;
  external_id: string | null;
  text: string;
  channel: string;
  language: string;
  received_at: string | null;
  metadata: Record<string, unknown>;
  similar_count: number;
}

export type WhyCode =
  | "hesitates"
  | "unlike_anything"
  | "random_control"
  | "typical"
  | "near_threshold"
  | "imported_label"
  | "suspicious_label"
  | "spot_check";

export interface Item {
  ticket: QueueTicket;
  mode: Mode;
  lease: Lease;
  round: number;
  /** A random control: shown without any suggestion so that the measure stays honest. */
  control: boolean;
  why: { code: WhyCode | string; params: Params };
  candidates: Candidate[];
  suggestion: Suggestion | null;
  scores: { uncertainty: number; outlier: number } | null;
}

export type EmptyReason =
  | "no_services"
  | "no_tickets"
  | "all_labelled"
  | "preparing"
  | "held_by_others"
  | "nothing_to_check";

export interface Claim {
  items: Item[];
  left: number;
  reason: EmptyReason | null;
}

export interface Heartbeat {
  leases: Lease[];
  lost: string[];
}

export type AnswerKind = "label" | "none" | "two" | "skip" | "flag";

export interface Answer {
  kind: AnswerKind;
  service_id?: number;
  second_service_id?: number;
  note?: string;
  include_similar?: boolean;
  except_ticket_ids?: number[];
}

export interface SubmitBody extends Answer {
  key: string;
  lease: string;
  duration_ms: number;
}

export interface Annotation {
  id: number;
  kind: AnswerKind | string;
  mode: Mode;
  ticket_id: number;
  excerpt: string;
  service_id: number | null;
  second_service_id: number | null;
  annotator: string;
  created_at: string;
  propagated: number | boolean;
  undone: boolean;
}

export interface Progress {
  today: number;
  total: number;
  seconds_per_ticket: number | null;
  left: { teach: number; check: number };
  recent: Annotation[];
  attention: { flagged: number; set_aside: number };
}

export interface SubmitResult {
  annotation: Annotation;
  progress: Progress;
}

export interface UndoResult {
  undone: Annotation;
  item: Item | null;
  progress: Progress;
}

export interface SimilarTicket {
  id: number;
  excerpt: string;
  status: string;
}

// --- tickets ----------------------------------------------------------------------------------

export interface TicketRow {
  id: number;
  external_id: string | null;
  excerpt: string;
  channel: string;
  language: string;
  received_at: string | null;
  status: string;
  label: { service_id: number; source: string } | null;
  prediction: Suggestion | null;
  uncertainty: number | null;
  outlier: number | null;
  group_size: number;
}

export interface TicketDetail extends TicketRow {
  text: string;
  metadata: Record<string, unknown>;
  history: Annotation[];
  similar: SimilarTicket[];
  masked: Record<string, number>;
}

// --- imports ----------------------------------------------------------------------------------

export interface ImportPreview {
  format: string;
  encoding: string;
  columns: string[];
  guess: Record<string, string | null>;
  rows: Record<string, unknown>[];
  warnings: { code: string; params: Params }[];
}

export interface ImportReport {
  id: number;
  state: "running" | "done" | "failed";
  rows_read: number;
  created: number;
  updated: number;
  unchanged: number;
  duplicates: number;
  rejected: number;
  masked: Record<string, number>;
  errors: { line: number; code: string; params: Params }[];
  seconds: number;
  progress: number | null;
  filename: string;
  services_created: string[];
}

// --- try --------------------------------------------------------------------------------------

export interface TryResult {
  masked_text: string;
  prediction: Suggestion | null;
  probabilities: Candidate[];
  uncertainty: number | null;
  outlier: number | null;
  unlike: boolean;
  nearest: { ticket_id: number; excerpt: string; service_id: number | null; similarity: number }[];
  model: { version: number | string; kind: string } | null;
  state: "ready" | "no_model" | "starting";
}

// --- loop and home ----------------------------------------------------------------------------

export type BoxKey = "label" | "train" | "evaluate" | "observe" | "compare" | "promote";

export interface LoopBox {
  key: BoxKey;
  state: "idle" | "waiting" | "active" | "done" | "blocked";
  count: number | null;
  since: string | null;
  progress: { done: number; total: number; unit: string } | null;
  next: { code: string; params: Params } | null;
  link: string | null;
}

export interface LoopModel {
  version: number | string;
  accuracy: number | null;
  n_audit: number | null;
  trained_at: string;
}

export interface Loop {
  boxes: LoopBox[];
  active: string | null;
  labels: { since_last: number; needed: number };
  learner: {
    generation: number | null;
    labels_used: number;
    labels_total: number;
    refit_seconds: number | null;
    refitted_at: string | null;
    behind: number;
  } | null;
  embedding: { done: number; total: number } | null;
  model: LoopModel | null;
  run: { id: number; state: string; phase: string; progress: number | null } | null;
}

export interface Need {
  code: string;
  params: Params;
  link: string;
}

export interface Home {
  loop: Loop;
  progress: Progress;
  needs: Need[];
}

// --- runs and models --------------------------------------------------------------------------

export interface Run {
  id: number;
  state: string;
  sub_state: string;
  phase: string;
  progress: number | null;
  attempt: number;
  reason: string | null;
  labels: number | null;
  snapshot: { fingerprint: string; rows: number } | null;
  hyperparameters: Record<string, string>;
  metrics: { step: number; name: string; value: number }[];
  failure_reason: string;
  log_tail: string;
  created_at: string;
  started_at: string | null;
  ended_at: string | null;
  model_version: number | string | null;
  can: { cancel: boolean; retry: boolean };
}

export interface Evaluation {
  n: number;
  accuracy: number;
  macro_f1: number;
  precision: number;
  recall: number;
  ece: number;
  per_service: Record<string, unknown>[];
  confusion: unknown;
}

export interface Model {
  version: number | string;
  created_at: string;
  labels: string[];
  encoder: string;
  run_id: number | null;
  evaluation: Evaluation | null;
  is_current: boolean;
}
