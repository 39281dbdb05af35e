"""Training in the Django admin: runs, versions, what was measured and promised, the retrain policy, schedules."""

from training.admin.certificates import PrecisionCertificateAdmin
from training.admin.gate import GateOverrideAdmin, GateSettingsAdmin, GateVerdictAdmin
from training.admin.policy import RetrainAdviceAdmin, RetrainDecisionAdmin, RetrainPolicyAdmin
from training.admin.runs import TrainingRunAdmin
from training.admin.schedules import CrontabAdmin, IntervalAdmin, PeriodicTaskAdmin
from training.admin.versions import DatasetSnapshotAdmin, EvaluationAdmin, ModelVersionAdmin, TestSetAdmin

__all__ = [
    "CrontabAdmin",
    "DatasetSnapshotAdmin",
    "EvaluationAdmin",
    "GateOverrideAdmin",
    "GateSettingsAdmin",
    "GateVerdictAdmin",
    "IntervalAdmin",
    "ModelVersionAdmin",
    "PeriodicTaskAdmin",
    "PrecisionCertificateAdmin",
    "RetrainAdviceAdmin",
    "RetrainDecisionAdmin",
    "RetrainPolicyAdmin",
    "TestSetAdmin",
    "TrainingRunAdmin",
]
