"""The one place where the learner hands its ranking to annotation."""

from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

from annotation import actions as annotation
from inference.learner.composing import Item
from ml.learner import Scores

ScoreRow = tuple[int, float, float, int | None, float | None, int | None, float | None]
