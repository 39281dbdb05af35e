/**
 * The shapes of the HTTP API by the names the pages use. `schema.d.ts` is generated from the server's code
 * (`make types`; CI compares), so a shape cannot drift: this file only names, and narrows where JSON is looser.
 *
 * Ids are integers, dates are ISO 8601 in UTC, lists are keyset pages. The server sends codes and
 * parameters; the sentences live in `src/locales`.
 */
import type { components } from "./schema";

type Schema = components["schemas"];
/** What the server always sends, though a write may leave it out. */
type Sent<T> = { -readonly [K in keyof T]-?: T[K] };

export type Role = Schema["Role"];
export type Language = Schema["Language"];
export type Params = Record<string, unknown>;
export type Band = Schema["Band"];
export type Mode = Schema["DeskMode"];

export interface Page<T> {
  results: T[];
  next: string | null;
  total?: number;
}
export interface List<T> {
  results: T[];
}

// --- session and people ------------------------------------------------------------------------

/** `language` empty: not chosen yet, the browser decides. */
export type User = Omit<Sent<Schema["User"]>, "language"> & { language: Language | "" };
export type DemoAccount = Schema["DemoAccount"];
export type Installation = Schema["Installation"];
export type Session = Omit<Schema["Session"], "user"> & { user: User | null };
export type NewAccount = Schema["NewAccountRequest"];
export type Invitation = Sent<Schema["Invitation"]>;
export type InvitationWithLink = Sent<Schema["InvitationWithLink"]>;
export type InvitationView = Sent<Schema["InvitationView"]>;
export type Token = Sent<Schema["Token"]>;
export type TokenWithSecret = Sent<Schema["TokenWithSecret"]>;

// --- services ------------------------------------------------------------------------------------

export type Service = Sent<Schema["Service"]>;
export type ServiceWrite = Schema["PatchedServiceRequest"];

// --- queue ---------------------------------------------------------------------------------------

export type Lease = Schema["Lease"];
export type Candidate = Schema["Candidate"];
export type Suggestion = Schema["Suggestion"];
export type QueueTicket = Schema["QueueTicket"];
export type Item = Schema["Item"];

export type EmptyReason =
  | "no_services"
  | "no_tickets"
  | "all_labelled"
  | "preparing"
  | "held_by_others"
  | "nothing_to_check";

export type Claim = Omit<Schema["ClaimResult"], "reason"> & { reason: EmptyReason | null };
export type Heartbeat = Schema["HeartbeatResult"];
export type AnswerKind = Schema["AnswerKind"];

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

export type Annotation = Schema["Annotation"];
export type Progress = Schema["Progress"];
export type SubmitResult = Schema["SubmitResult"];
export type UndoResult = Schema["UndoResult"];
export type SimilarTicket = Schema["Similar"];

// --- tickets -------------------------------------------------------------------------------------

export type TicketStatus = Schema["TicketStatus"];
export type TicketRow = Schema["TicketRow"];
export type TicketPage = Schema["TicketPage"];
export type TicketFacets = Schema["TicketFacets"];
export type TicketDetail = Schema["TicketDetail"];
export type Relabel = Schema["RelabelRequest"];

// --- imports -------------------------------------------------------------------------------------

export type ImportPreview = Schema["ImportPreview"];
export type ImportReport = Schema["ImportReport"];
export type ImportOptions = Omit<Schema["ImportRequest"], "file">;

// --- try, loop, home -----------------------------------------------------------------------------

export type TryResult = Schema["Try"];
export type TriageInbox = Sent<Schema["TriageInbox"]>;
export type StrangeTicket = TriageInbox["results"][number];
export type TriageKind = Schema["TriageRequestRequest"]["kind"];
export type TriageDecision = Schema["TriageRequestRequest"];
export type EscalationInbox = Sent<Schema["EscalationInbox"]>;
export type WaitingCustomer = Schema["Waiting"];
export type AnsweredCustomer = Schema["PersonAnswer"];
export type BoxKey = Schema["BoxKey"];
export type LoopBox = Schema["Box"];
export type LoopModel = Schema["LoopModel"];
export type Loop = Schema["Loop"];
export type Need = Schema["Need"];
export type Home = Schema["Home"];

// --- runs and models -----------------------------------------------------------------------------

export type RunState = Schema["RunState"];
export type Run = Sent<Schema["Run"]>;
export type RunDetail = Sent<Schema["RunDetail"]>;
export type Reason = Schema["RunReason"];
export type Model = Sent<Schema["ModelVersion"]>;
export type ModelDetail = Sent<Schema["ModelVersionDetail"]>;
export type Evaluation = Sent<Schema["Evaluation"]>;
export type Metrics = Schema["Metrics"];
export type ServiceMeasure = Schema["ServiceMeasure"];
export type Confusion = Schema["Confusion"];
/** Wilson, 95 %: [low, high]; null where nothing was counted. */
export type Interval = number[] | null;
export type Advice = Schema["Advice"];
export type AdviceFigures = Schema["AdviceFigures"];
export type CurvePoint = Schema["CurvePoint"];
export type RegistryEntry = Sent<Schema["Registry"]>;
export type MonthCost = Schema["MonthCost"];
export type Policy = Sent<Schema["Policy"]>;
export type PolicyWrite = Schema["PatchedPolicyRequest"];
export type PolicySchedule = Schema["Schedule"];

// --- dashboard -----------------------------------------------------------------------------------

export type Headline = Schema["Headline"];
export type VersionReport = Schema["VersionReport"];
export type Certificate = Schema["Certificate"];
export type CertificateState = Certificate["state"];
export type Outlook = Schema["Outlook"];
export type Day = Schema["Day"];
export type AnsweredPage = Schema["JudgedTicketList"];
export type JudgedTicket = Schema["JudgedTicket"];
export type VersionGate = Schema["VersionGate"];
export type GateReason = Schema["GateReason"];
export type OverridePurpose = Schema["PurposeEnum"];
export type GateSettings = Sent<Schema["GateSettings"]>;
export type VersionsCompared = Schema["VersionComparison"];
export type Effort = Schema["Effort"];

// --- snapshots -----------------------------------------------------------------------------------

export type SnapshotListed = Sent<Schema["SnapshotListed"]>;
export type SnapshotDetail = Sent<Schema["SnapshotDetail"]>;
export type SnapshotRow = Schema["SnapshotRow"];
export type SnapshotComparison = Schema["SnapshotComparison"];
export type SnapshotRestored = Schema["Restored"];
export type SnapshotChange = "came" | "went" | "flipped" | "edited";

// --- observation, judging, promotion ---------------------------------------------------------------

export type JudgingClaim = Schema["JudgingClaim"];
export type JudgingPair = Schema["Pair"];
export type JudgeBody = Schema["JudgeRequestRequest"];
export type JudgementChoice = JudgeBody["choice"];
export type Judged = Schema["Judged"];
export type Unjudged = Schema["Unjudged"];
export type ObservationAnswer = Schema["ObservationAnswer"];
export type Observation = Sent<Schema["Observation"]>;
export type ObservationStart = Schema["ObservationStartRequest"];
export type Verdict = Schema["Verdict"];
export type VerdictReason = Schema["VerdictReason"];
export type Sequence = Schema["Sequence"];
export type Production = Schema["ProductionAnswer"];
export type Promotion = Sent<Schema["Promotion"]>;
export type Dossier = Sent<Omit<Schema["Dossier"], "certificate" | "data" | "lineage" | "observation" | "watches">> & {
  certificate: Sent<Schema["DossierCertificate"]> | null;
  data: Sent<Schema["DossierData"]>;
  lineage: Sent<Schema["DossierLineage"]>;
  observation: Observation;
  watches: Watch[];
};
export type Watch = Sent<Schema["Watch"]>;
export type WatchFound = Schema["WatchFound"];
export type HistoryPage = Schema["HistoryAnswer"];
export type HistoryLine = Sent<Schema["History"]>;
// --- written tickets -----------------------------------------------------------------------------

export type WrittenList = Schema["WrittenList"];
export type WrittenTicket = Schema["WrittenTicket"];
export type WriteReport = Schema["WriteReport"];
export type NearTicket = Schema["Near"];
export type Drift = Schema["Drift"];
export type DriftReading = Schema["DriftReading"];
export type DriftKind = DriftReading["kind"];
export type DriftSeries = Schema["DriftSeries"];
