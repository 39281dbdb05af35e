"""Data in, immutable model out: snapshots, runs, model versions, evaluations, the retrain policy."""

from training.models.costs import JobCost
from training.models.policy import RetrainAdvice, RetrainDecision, RetrainPolicy
from training.models.registry import Approval, RegistryEntry
from training.models.runs import RunMetric, RunState, TrainingRun
from training.models.snapshots import DatasetSnapshot, SnapshotRow
from training.models.versions import Evaluation, ModelVersion

__all__ = [
    "Approval",
    "DatasetSnapshot",
    "Evaluation",
    "JobCost",
    "ModelVersion",
    "RegistryEntry",
    "RetrainAdvice",
    "RetrainDecision",
    "RetrainPolicy",
    "RunMetric",
    "RunState",
    "SnapshotRow",
    "TrainingRun",
]
