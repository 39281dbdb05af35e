"""Data in, immutable model out: snapshots, runs, versions, what was measured and promised, the retrain policy."""

from training.models.certificates import PrecisionCertificate
from training.models.costs import JobCost
from training.models.gate import GateOverride, GateSettings, GateVerdict, OverridePurpose
from training.models.policy import RetrainAdvice, RetrainDecision, RetrainPolicy
from training.models.registry import Approval, RegistryEntry
from training.models.runs import RunMetric, RunState, TrainingRun
from training.models.snapshots import DatasetSnapshot, SnapshotRow
from training.models.test_sets import TestRow, TestSet
from training.models.versions import Evaluation, EvaluationSheet, ModelVersion

__all__ = [
    "Approval",
    "DatasetSnapshot",
    "Evaluation",
    "EvaluationSheet",
    "GateOverride",
    "GateSettings",
    "GateVerdict",
    "JobCost",
    "ModelVersion",
    "OverridePurpose",
    "PrecisionCertificate",
    "RegistryEntry",
    "RetrainAdvice",
    "RetrainDecision",
    "RetrainPolicy",
    "RunMetric",
    "RunState",
    "SnapshotRow",
    "TestRow",
    "TestSet",
    "TrainingRun",
]
