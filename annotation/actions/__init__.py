"""Writes of annotation. Other apps call these names; everything is keyword-only and one transaction."""

from annotation.actions.answers import Answer, queue_submit, ticket_relabel, ticket_reopen
from annotation.actions.erasure import tickets_erase
from annotation.actions.leases import queue_claim, queue_heartbeat, queue_release, queue_serve
from annotation.actions.live import LiveItem, live_push, live_withdraw, outcome_label
from annotation.actions.pushes import NewItem, NewScore, queue_replace, scores_replace
from annotation.actions.services import service_check, service_create, service_delete, service_update
from annotation.actions.triage import ticket_triage
from annotation.actions.undo import queue_undo

__all__ = [
    "Answer",
    "LiveItem",
    "NewItem",
    "NewScore",
    "live_push",
    "live_withdraw",
    "outcome_label",
    "queue_claim",
    "queue_heartbeat",
    "queue_release",
    "queue_replace",
    "queue_serve",
    "queue_submit",
    "queue_undo",
    "scores_replace",
    "service_check",
    "service_create",
    "service_delete",
    "service_update",
    "ticket_relabel",
    "ticket_reopen",
    "ticket_triage",
    "tickets_erase",
]
