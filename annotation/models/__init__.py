"""People and truth: services, tickets, the queue, annotations, imports."""

from annotation.models.annotations import Annotation, AnnotationKind
from annotation.models.imports import ImportRun, ImportState, LabelUse
from annotation.models.queue import Lane, Mode, QueueItem, Serving
from annotation.models.scores import ScoreGeneration, TicketScore
from annotation.models.services import Service
from annotation.models.tickets import (
    WEAK_SOURCES,
    AnswerKey,
    LabelSource,
    Ticket,
    TicketOrigin,
    TicketStatus,
    excerpt,
)

__all__ = [
    "WEAK_SOURCES",
    "Annotation",
    "AnnotationKind",
    "AnswerKey",
    "ImportRun",
    "ImportState",
    "LabelSource",
    "LabelUse",
    "Lane",
    "Mode",
    "QueueItem",
    "ScoreGeneration",
    "Service",
    "Serving",
    "Ticket",
    "TicketOrigin",
    "TicketScore",
    "TicketStatus",
    "excerpt",
]
