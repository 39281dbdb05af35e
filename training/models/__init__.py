"""Data in, immutable model out: snapshots, runs, model versions, evaluations, the retrain policy."""

from training.models.certificates import PrecisionCertificate
from training.models.costs import JobCost
from training.models.policy import RetrainAdvice, RetrainDecision, RetrainPolicy
from training.models.runs import RunMetric, RunState, TrainingRun
from training.models.snapshots import DatasetSnapshot, SnapshotRow
from training.models.versions import Evaluation, ModelVersion

__all__ = [
    "DatasetSnapshot",
    "Evaluation",
    "JobCost",
    "ModelVersion",
    "PrecisionCertificate",
    "RetrainAdvice",
    "RetrainDecision",
    "RetrainPolicy",
    "RunMetric",
    "RunState",
    "SnapshotRow",
    "TrainingRun",
]
