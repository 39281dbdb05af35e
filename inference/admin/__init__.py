"""Inference in the Django admin: embedding spaces, transforms, deployments, and the routing of live tickets."""

from inference.admin.models import DeploymentAdmin, EncoderAdmin, LearnerHeadAdmin, TransformRunAdmin
from inference.admin.routing import EscalationAdmin, OutcomeAdmin, RoutingDecisionAdmin
from inference.admin.rules import KeywordRuleAdmin, RoutingHoldAdmin, RoutingSettingsAdmin

__all__ = [
    "DeploymentAdmin",
    "EncoderAdmin",
    "EscalationAdmin",
    "KeywordRuleAdmin",
    "LearnerHeadAdmin",
    "OutcomeAdmin",
    "RoutingDecisionAdmin",
    "RoutingHoldAdmin",
    "RoutingSettingsAdmin",
    "TransformRunAdmin",
]
