"""Test sets meet versions: which rows a version has not answered, its answers as rows, and the evaluation on them.

Texts of a test set are no tickets: nothing of them comes near the pool, the queue or a training.
"""

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, QuerySet

from inference.loading import BadOutput, Loaded
from inference.models import TestAnswer
from ml.schema import TransformOutput
from training.models import ModelVersion, TestRow, TestSet


def rows_unanswered(model_version: ModelVersion, test_set: TestSet) -> QuerySet[TestRow]:
    """Rows of a test set a version has still to answer."""
    answer = TestAnswer.objects.filter(model_version=model_version, row=OuterRef("pk"))
    return TestRow.objects.filter(~Exists(answer), test_set=test_set)


def load(model_version: ModelVersion, answers: Iterable[TransformOutput]) -> Loaded:
    """Keep the answers of a version; one that is there already stays. A refusal is kept as an answer without
    probabilities. Raises ``BadOutput`` for another number of them than the version has labels."""
    rows, good, bad = [], 0, 0
    for answer in answers:
        row_id, _, _ = answer.id.partition(".")
        if not row_id.isdigit():
            bad += 1
            continue
        chances = None if answer.error is not None else answer.probabilities
        if chances is not None and len(chances) != len(model_version.labels):
            raise BadOutput(
                "wrong_labels", f"{len(chances)} probabilities for {len(model_version.labels)} labels"
            )
        good, bad = good + (answer.error is None), bad + (answer.error is not None)
        raw = None if chances is None else chances.astype("<f4").tobytes()
        rows.append(
            TestAnswer(
                row_id=int(row_id), model_version=model_version, probabilities=raw, outlier=answer.outlier
            )
        )
    TestAnswer.objects.bulk_create(rows, ignore_conflicts=True)
    return Loaded(good, bad)
