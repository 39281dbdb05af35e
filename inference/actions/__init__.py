"""Writes of inference. Each is one transaction unless it says otherwise."""

from inference.actions.alarms import alarm_raise, alarms_send
from inference.actions.deploying import promotions_drive
from inference.actions.deployments import assistant_ensure, production_ensure
from inference.actions.drift import drift_check
from inference.actions.encoders import encoder_ensure, encoder_index, encoder_promote, encoders_prune
from inference.actions.escalations import escalations_drive, escalations_queue, escalations_settle
from inference.actions.evaluations import (
    certificate_spend,
    certificate_try,
    evaluation_refresh,
    test_evaluate,
    verdict_refresh,
)
from inference.actions.holds import hold_end, hold_start
from inference.actions.judging import Said, pair_claim, pair_judge, pair_release, pair_undo
from inference.actions.mirroring import candidate_ask, tickets_mirror
from inference.actions.observations import (
    observation_settle,
    observation_share,
    observation_start,
    observation_stop,
    observer_drive,
    observer_ensure,
)
from inference.actions.outcomes import Recorded, Told, outcomes_record
from inference.actions.pool import transform_plan, work_find
from inference.actions.promotions import (
    production_rollback,
    promotion_approve,
    promotion_request,
    promotion_withdraw,
)
from inference.actions.routed import decisions_load
from inference.actions.routing import RouteCall, Routed, calls_route, tickets_route
from inference.actions.triage import Lone, lone_replace
from inference.actions.trial import Trial, ticket_try
from inference.actions.watching import production_watch, watch_read
from inference.actions.webhooks import webhooks_send

__all__ = [
    "Lone",
    "Recorded",
    "RouteCall",
    "Routed",
    "Said",
    "Told",
    "Trial",
    "alarm_raise",
    "alarms_send",
    "assistant_ensure",
    "calls_route",
    "candidate_ask",
    "certificate_spend",
    "certificate_try",
    "decisions_load",
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
    "observation_settle",
    "observation_share",
    "observation_start",
    "observation_stop",
    "observer_drive",
    "observer_ensure",
    "outcomes_record",
    "pair_claim",
    "pair_judge",
    "pair_release",
    "pair_undo",
    "production_ensure",
    "production_rollback",
    "production_watch",
    "promotion_approve",
    "promotion_request",
    "promotion_withdraw",
    "promotions_drive",
    "test_evaluate",
    "ticket_try",
    "tickets_mirror",
    "tickets_route",
    "transform_plan",
    "verdict_refresh",
    "watch_read",
    "webhooks_send",
    "work_find",
]
