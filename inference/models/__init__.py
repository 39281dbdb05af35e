"""Models meet tickets: embeddings, predictions, transforms, deployments, live routing."""

from inference.models.advice import Panel, RoundMark
from inference.models.alarms import Alarm, AlarmChannel, AlarmKind
from inference.models.comparison import (
    DIFFERENT,
    Judgement,
    JudgementChoice,
    MirroredTicket,
    MirrorState,
    Observation,
    ObservationState,
)
from inference.models.deployments import Deployment, DeploymentRole
from inference.models.drift import DriftKind, DriftReading
from inference.models.heads import LearnerHead
from inference.models.predictions import Prediction
from inference.models.promotion import (
    HistoryEntry,
    HistoryKind,
    LookAlike,
    Promotion,
    PromotionSettings,
    PromotionState,
)
from inference.models.routing import (
    BaselineKind,
    Escalation,
    EscalationReason,
    EscalationState,
    KeywordRule,
    Outcome,
    RoutingDecision,
    RoutingHold,
    RoutingSettings,
)
from inference.models.transforms import TestAnswer, TransformPurpose, TransformRun
from inference.models.triage import LoneTicket
from inference.models.vectors import Embedding, Encoder
from inference.models.watch import Watch, WatchSettings, WatchState

__all__ = [
    "DIFFERENT",
    "Alarm",
    "AlarmChannel",
    "AlarmKind",
    "BaselineKind",
    "Deployment",
    "DeploymentRole",
    "DriftKind",
    "DriftReading",
    "Embedding",
    "Encoder",
    "Escalation",
    "EscalationReason",
    "EscalationState",
    "HistoryEntry",
    "HistoryKind",
    "Judgement",
    "JudgementChoice",
    "KeywordRule",
    "LearnerHead",
    "LoneTicket",
    "LookAlike",
    "MirrorState",
    "MirroredTicket",
    "Observation",
    "ObservationState",
    "Outcome",
    "Panel",
    "Prediction",
    "Promotion",
    "PromotionSettings",
    "PromotionState",
    "RoundMark",
    "RoutingDecision",
    "RoutingHold",
    "RoutingSettings",
    "TestAnswer",
    "TransformPurpose",
    "TransformRun",
    "Watch",
    "WatchSettings",
    "WatchState",
]
