"""The figures a program prints, found in its log by the regular expressions a training job is registered with.

Source: `ml.train` prints `progress=0.4231; step=12; steps=40; epoch=1; train_loss=0.512;`,
`validation_accuracy=0.913;`, `phase=finetune;`.
"""

from __future__ import annotations

import math
import re

NUMBER = r"([-+]?[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?)"
NAMES = (
    "progress",
    "step",
    "steps",
    "epoch",
    "epochs",
    "train_loss",
    "learning_rate",
    "validation_loss",
    "validation_accuracy",
    "validation_macro_f1",
    "probe_accuracy",
    "temperature",
)
METRIC_DEFINITIONS: dict[str, str] = {name: rf"(?:^|[\s;]){name}={NUMBER};" for name in NAMES}
PHASE_DEFINITION = r"(?:^|[\s;])phase=([a-z_]{1,40});"

_METRICS = {name: re.compile(pattern) for name, pattern in METRIC_DEFINITIONS.items()}
_PHASE = re.compile(PHASE_DEFINITION)


def figures(line: str) -> dict[str, float]:
    """The finite figures of one log line, by metric name."""
    found: dict[str, float] = {}
    for name, pattern in _METRICS.items():
        match = pattern.search(line)
        if match and math.isfinite(float(match[1])):
            found[name] = float(match[1])
    return found


def phase(line: str) -> str | None:
    """The phase announced by one log line, if it announces one."""
    match = _PHASE.search(line)
    return match[1] if match else None
