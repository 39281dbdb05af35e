"""Writes of inference. Each is one transaction unless it says otherwise."""

from inference.actions.deployments import assistant_ensure, deployment_promote, production_ensure
from inference.actions.drift import drift_check
from inference.actions.encoders import encoder_ensure, encoder_index, encoder_promote, encoders_prune
from inference.actions.escalations import escalations_drive, escalations_queue, escalations_settle
from inference.actions.evaluations import evaluation_refresh
from inference.actions.holds import hold_end, hold_start
from inference.actions.outcomes import Recorded, Told, outcomes_record
from inference.actions.pool import transform_plan, work_find
from inference.actions.routed import decisions_load
from inference.actions.routing import Routed, tickets_route
from inference.actions.triage import Lone, lone_replace
from inference.actions.trial import Trial, ticket_try
from inference.actions.webhooks import webhooks_send

__all__ = [
    "Lone",
    "Recorded",
    "Routed",
    "Told",
    "Trial",
    "assistant_ensure",
    "decisions_load",
    "deployment_promote",
    "drift_check",
    "encoder_ensure",
    "encoder_index",
    "encoder_promote",
    "encoders_prune",
    "escalations_drive",
    "escalations_queue",
    "escalations_settle",
    "evaluation_refresh",
    "hold_end",
    "hold_start",
    "lone_replace",
    "outcomes_record",
    "production_ensure",
    "ticket_try",
    "tickets_route",
    "transform_plan",
    "webhooks_send",
    "work_find",
]
