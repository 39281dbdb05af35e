"""Writes of training. Other apps call these names; everything is keyword-only and one transaction."""

from training.actions.certificates import certificate_record, certificates_take_turns
from training.actions.evaluations import evaluation_record
from training.actions.gate import (
    GATE_FIELDS,
    gate_override,
    gate_settings_check,
    gate_settings_update,
    verdict_record,
)
from training.actions.policy import (
    POLICY_FIELDS,
    advice_push,
    policy_apply,
    policy_check_fields,
    policy_update,
)
from training.actions.runs import hyperparameters_of, run_cancel, run_retry, run_start
from training.actions.snapshots import Restored, snapshot_restore, snapshot_take, snapshot_train
from training.actions.test_sets import test_set_create
from training.costs import cost_record
from training.registration import encoder_register
from training.registry import approval_note
from training.runs import advance as run_advance

__all__ = [
    "GATE_FIELDS",
    "POLICY_FIELDS",
    "Restored",
    "advice_push",
    "approval_note",
    "certificate_record",
    "certificates_take_turns",
    "cost_record",
    "encoder_register",
    "evaluation_record",
    "gate_override",
    "gate_settings_check",
    "gate_settings_update",
    "hyperparameters_of",
    "policy_apply",
    "policy_check_fields",
    "policy_update",
    "run_advance",
    "run_cancel",
    "run_retry",
    "run_start",
    "snapshot_restore",
    "snapshot_take",
    "snapshot_train",
    "test_set_create",
    "verdict_record",
]
