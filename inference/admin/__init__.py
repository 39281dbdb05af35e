"""Inference in the Django admin: embedding spaces, transforms, deployments, routing, and the comparison."""

from inference.admin.alarms import AlarmAdmin
from inference.admin.comparison import (
    HistoryEntryAdmin,
    JudgementAdmin,
    ObservationAdmin,
    PromotionAdmin,
    PromotionSettingsAdmin,
)
from inference.admin.models import DeploymentAdmin, EncoderAdmin, LearnerHeadAdmin, TransformRunAdmin
from inference.admin.routing import EscalationAdmin, OutcomeAdmin, RoutingDecisionAdmin
from inference.admin.rules import KeywordRuleAdmin, RoutingHoldAdmin, RoutingSettingsAdmin
from inference.admin.watch import WatchAdmin, WatchSettingsAdmin

__all__ = [
    "AlarmAdmin",
    "DeploymentAdmin",
    "EncoderAdmin",
    "EscalationAdmin",
    "HistoryEntryAdmin",
    "JudgementAdmin",
    "KeywordRuleAdmin",
    "LearnerHeadAdmin",
    "ObservationAdmin",
    "OutcomeAdmin",
    "PromotionAdmin",
    "PromotionSettingsAdmin",
    "RoutingDecisionAdmin",
    "RoutingHoldAdmin",
    "RoutingSettingsAdmin",
    "TransformRunAdmin",
    "WatchAdmin",
    "WatchSettingsAdmin",
]
