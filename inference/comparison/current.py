"""What is under way now: the observation, the promotion, who serves which role."""

from inference.models import (
    BaselineKind,
    Deployment,
    DeploymentRole,
    LookAlike,
    Observation,
    Promotion,
    PromotionSettings,
    RoutingSettings,
)
from training.models import ModelVersion


def observation() -> Observation | None:
    """The observation under way."""
    return (
        Observation.objects.filter(ended_at=None)
        .select_related("candidate", "certificate", "baseline_version", "started_by")
        .first()
    )


def observation_last() -> Observation | None:
    """The one under way, else the newest."""
    rows = Observation.objects.select_related("candidate", "certificate", "baseline_version", "started_by")
    return observation() or rows.first()


def baseline_holds(observation: Observation) -> bool:
    """Whether what routes today is still what the observation compares with; else no new ticket is mirrored."""
    chosen = RoutingSettings.objects.filter(pk=1).values_list("baseline", flat=True).first()
    if observation.baseline != (chosen or BaselineKind.PEOPLE):
        return False
    live = deployment(DeploymentRole.PRODUCTION)
    version = live.model_version_id if live else None
    return observation.baseline != BaselineKind.MODEL or version == observation.baseline_version_id


def promotion() -> Promotion | None:
    """The promotion under way."""
    rows = Promotion.objects.filter(ended_at=None)
    return rows.select_related("version", "former", "requested_by", "observation").first()


def deployment(role: str) -> Deployment | None:
    """Who serves a role now."""
    return Deployment.objects.filter(role=role, ended_at=None).select_related("model_version").first()


def way_back() -> ModelVersion | None:
    """The version that a rollback goes back to: the newest that routed before the one that does. None: people."""
    now = deployment(DeploymentRole.PRODUCTION)
    if now is None:
        return None
    before = (
        Deployment.objects.filter(role=DeploymentRole.PRODUCTION, ended_at__isnull=False)
        .exclude(model_version=now.model_version_id)
        .exclude(state="rolled_back")
        .select_related("model_version")
        .first()
    )
    return before.model_version if before else None


def four_eyes() -> bool:
    """Whether a promotion needs a second person."""
    chosen = PromotionSettings.objects.filter(pk=1).values_list("four_eyes", flat=True).first()
    return True if chosen is None else chosen


def look_alikes() -> list[int]:
    """Open tickets that are like a candidate's failures, the most alike first; never audit tickets."""
    rows = LookAlike.objects.filter(ticket__status="open", ticket__is_audit=False)
    return list(rows.order_by("-similarity", "ticket_id").values_list("ticket_id", flat=True))
