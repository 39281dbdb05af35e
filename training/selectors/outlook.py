"""Reads for the threshold slider: what each threshold would mean, and which control tickets are behind a figure."""

from dataclasses import dataclass

from accounts.errors import Refused
from annotation import selectors as annotation
from ml.certificate import Certificate, Tested
from ml.judging import Sheet
from ml.outlook import Day, Outcome, Steps, outcome, scores, steps
from training.models import Evaluation, ModelVersion, PrecisionCertificate, TestRow
from training.selectors.certificates import certificate_on_trial
from training.selectors.evaluations import day_of, latest_evaluation, sheet_of, tickets_named
from training.selectors.gate import gate_settings


@dataclass(frozen=True)
class Scored:
    """An evaluation with what was held against a threshold, ticket by ticket; None where nothing could be routed."""

    evaluation: Evaluation
    sheet: Sheet
    score: list[float | None]
    certificate: PrecisionCertificate | None


@dataclass(frozen=True)
class Outlook:
    """Every threshold that makes a difference, what a day brings, and the outcome of the threshold asked about.

    ``threshold``: the certified one; ``choices``: all that are certified. Where groups of services have thresholds of
    their own both are a group's, or none of all services together: the outcome is then that of all groups at theirs.
    """

    evaluation: Evaluation
    steps: Steps
    day: Day
    threshold: float | None
    choices: list[float]
    outcome: Outcome | None


def scored(version: ModelVersion, test_set_id: int | None = None) -> Scored | None:
    """The newest evaluation of a version with its scores; None without one, or of one older than sheets."""
    evaluation = latest_evaluation(version, test_set_id)
    given = sheet_of(evaluation)
    if evaluation is None or given is None:
        return None
    row = certificate_on_trial(version)
    certificate = row.certificate if row else None
    here = {service.code for service in annotation.services_active()} & set(version.labels)
    if certificate is None:
        return Scored(evaluation, given, scores(given, sorted(here)), None)
    routable = sorted(here - set(certificate.escalated))
    score = scores(given, routable, certificate.scoring, certificate.gate)
    return Scored(evaluation, given, score, row)


def outlook(
    version: ModelVersion,
    threshold: float | None = None,
    test_set_id: int | None = None,
    group: str | None = None,
) -> Outlook | None:
    """What thresholds would mean; the outcome is of `threshold`, else of the certified one. None as for ``scored``.

    `group`: of what is answered with its services alone. Raises ``Refused("not_found")`` for a group there is not.
    """
    found = scored(version, test_set_id)
    if found is None:
        return None
    day = day_of(gate_settings())
    certificate = found.certificate.certificate if found.certificate else None
    if certificate is not None and certificate.groups and group is None:
        joined = steps(found.sheet, _reaching(found, certificate))
        joint = outcome(joined, 0.0, day) if threshold is None else None
        counted = steps(found.sheet, found.score)
        return Outlook(
            found.evaluation, counted, day, None, [], joint or outcome(counted, threshold or 0.0, day)
        )
    certified, choices = (certificate.threshold, certificate.choices) if certificate else (None, ())
    score = found.score
    if group is not None:
        test = group_of(found, group)
        certified, choices = test.threshold, test.choices
        score = [
            one if said in test.services else None for one, said in zip(score, found.sheet.guess, strict=True)
        ]
    counted = steps(found.sheet, score)
    asked = certified if threshold is None else threshold
    return Outlook(
        evaluation=found.evaluation,
        steps=counted,
        day=day,
        threshold=certified,
        choices=list(choices),
        outcome=None if asked is None else outcome(counted, asked, day),
    )


def group_of(found: Scored, name: str) -> Tested:
    """What was tested of a group of services. Raises ``Refused("not_found")``."""
    tests = found.certificate.certificate.groups if found.certificate else ()
    for test in tests:
        if test.name == name:
            return test
    raise Refused("not_found", "There is no such group of services.", status=404)


def _reaching(found: Scored, certificate: Certificate) -> list[float | None]:
    """The scores of what is routed, each by the threshold of its group; None for what is not."""
    limits = {code: certificate.threshold_for(code) for code in certificate.known}
    return [
        score
        if score is not None and (limit := limits.get(said or "")) is not None and score >= limit
        else None
        for score, said in zip(found.score, found.sheet.guess, strict=True)
    ]


@dataclass(frozen=True)
class Wanted:
    """Which answers: of one true service ("" for none of the services), with one guess, right or wrong, with a
    score from `least` on, below `below`. None: any.

    `sure_from` and `sure_below` (a place of the reliability plot, 1 counting as below 1) and `language` are counted
    as the report counts: among tickets of a service with a usable answer. `services`: answered with one of these.
    """

    truth: str | None = None
    guess: str | None = None
    is_right: bool | None = None
    least: float | None = None
    below: float | None = None
    sure_from: float | None = None
    sure_below: float | None = None
    language: str | None = None
    services: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Answered:
    """One control ticket (or row of a test set) with what the version said of it; ``text`` is masked, None once it
    was erased."""

    id: int
    external_id: str | None
    text: str | None
    truth: str | None
    guess: str | None
    confidence: float | None
    outlier: float | None
    score: float | None
    language: str


def answered(found: Scored, wanted: Wanted, *, start: int, count: int) -> tuple[list[Answered], int]:
    """A page of the answers that fit, the surest first, and how many fit in all."""
    right = found.sheet.is_right
    fitting = [at for at in range(len(found.sheet)) if _fits(found, wanted, at, bool(right[at]))]
    fitting.sort(key=lambda at: (-(found.score[at] if found.score[at] is not None else -1.0), at))
    page = fitting[start : start + count]
    texts = _texts(found, [found.sheet.ticket[at] for at in page])
    rows = []
    for at in page:
        external_id, text = texts.get(found.sheet.ticket[at], (None, None))
        rows.append(
            Answered(
                id=found.sheet.ticket[at],
                external_id=external_id,
                text=text,
                truth=found.sheet.truth[at],
                guess=found.sheet.guess[at],
                confidence=found.sheet.confidence[at],
                outlier=found.sheet.outlier[at],
                score=found.score[at],
                language=found.sheet.language[at],
            )
        )
    return rows, len(fitting)


def _fits(found: Scored, wanted: Wanted, at: int, is_right: bool) -> bool:
    score = found.score[at]
    return (
        (wanted.truth is None or (found.sheet.truth[at] or "") == wanted.truth)
        and (wanted.guess is None or (found.sheet.guess[at] or "") == wanted.guess)
        and (wanted.is_right is None or is_right == wanted.is_right)
        and (wanted.services is None or found.sheet.guess[at] in wanted.services)
        and (wanted.least is None or (score is not None and score >= wanted.least))
        and (wanted.below is None or score is None or score < wanted.below)
        and _fits_report(found.sheet, wanted, at)
    )


def _fits_report(sheet: Sheet, wanted: Wanted, at: int) -> bool:
    if wanted.sure_from is None and wanted.sure_below is None and wanted.language is None:
        return True
    sure = sheet.confidence[at]
    if sure is None or sheet.truth[at] is None:
        return False
    return (
        (wanted.sure_from is None or sure >= wanted.sure_from)
        and (wanted.sure_below is None or sure < wanted.sure_below or wanted.sure_below >= 1.0)
        and (wanted.language is None or sheet.language[at] == wanted.language)
    )


def _texts(found: Scored, ids: list[int]) -> dict[int, tuple[str | None, str]]:
    if found.evaluation.test_set_id is None:
        return {pk: (ticket.external_id, ticket.text) for pk, ticket in tickets_named(ids).items()}
    return {row.pk: (None, row.text) for row in TestRow.objects.filter(pk__in=ids)}
