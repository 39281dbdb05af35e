"""Writes of inference. Each is one transaction unless it says otherwise."""

from inference.actions.deployments import assistant_ensure
from inference.actions.encoders import encoder_ensure, encoder_index, encoder_promote, encoders_prune
from inference.actions.evaluations import (
    certificate_spend,
    certificate_try,
    evaluation_refresh,
    verdict_refresh,
)
from inference.actions.pool import transform_plan, work_find
from inference.actions.triage import Lone, lone_replace
from inference.actions.trial import Trial, ticket_try

__all__ = [
    "Lone",
    "Trial",
    "assistant_ensure",
    "certificate_spend",
    "certificate_try",
    "encoder_ensure",
    "encoder_index",
    "encoder_promote",
    "encoders_prune",
    "evaluation_refresh",
    "lone_replace",
    "ticket_try",
    "transform_plan",
    "verdict_refresh",
    "work_find",
]
