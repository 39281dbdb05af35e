"""Training in the Django admin: runs, versions and what was measured, the retrain policy, schedules."""

from training.admin.policy import RetrainAdviceAdmin, RetrainDecisionAdmin, RetrainPolicyAdmin
from training.admin.runs import TrainingRunAdmin
from training.admin.schedules import CrontabAdmin, IntervalAdmin, PeriodicTaskAdmin
from training.admin.versions import DatasetSnapshotAdmin, EvaluationAdmin, ModelVersionAdmin

__all__ = [
    "CrontabAdmin",
    "DatasetSnapshotAdmin",
    "EvaluationAdmin",
    "IntervalAdmin",
    "ModelVersionAdmin",
    "PeriodicTaskAdmin",
    "RetrainAdviceAdmin",
    "RetrainDecisionAdmin",
    "RetrainPolicyAdmin",
    "TrainingRunAdmin",
]
