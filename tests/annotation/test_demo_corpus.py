"""The demo corpus: believable, balanced as promised, hard enough, and the same every time."""

from __future__ import annotations

import csv
import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from annotation.demo import corpus, grammar, stats
from annotation.demo.corpus import DAYS, UNTIL, DemoTicket, fold, generate
from annotation.demo.facts import Facts, products
from annotation.demo.facts_en import FactsEn
from annotation.demo.facts_fr import FactsFr
from annotation.demo.noise import roughen
from annotation.demo.services import NONE, services
from annotation.demo.writer import COLUMNS, split_holdout, write_csv

WHEN = datetime(2026, 10, 1, 12)
FACTS: dict[str, type[Facts]] = {"en": FactsEn, "fr": FactsFr}
CODES = [service.code for service in services()]


@pytest.fixture(scope="module")
def tickets() -> list[DemoTicket]:
    return generate()


@pytest.fixture(scope="module")
def rows(tickets: list[DemoTicket]) -> list[stats.Row]:
    return [stats.Row(t.text, t.service, t.language, t.channel) for t in tickets]


def _all_templates() -> list[tuple[str, grammar.Template]]:
    found: list[tuple[str, grammar.Template]] = []
    for code in CODES:
        for lang in FACTS:
            for part in ("situations", "shorts", "asks", "notes", "asides"):
                found += [(lang, t) for t in grammar.templates(code, lang, part)]
    for lang in FACTS:
        found += [(lang, t) for t in grammar.templates("off_topic", lang)]
        found += [
            (lang, grammar.Template.parse(raw)) for p in grammar.load("blurred")["pair"] for raw in p[lang]
        ]
        for part, group in grammar.load(f"voice_{lang}").items():
            for key in group:
                found += [(lang, t) for t in grammar.templates(f"voice_{lang}", part, key)]
    return found


def test_there_are_twelve_services_each_with_guideline_key_and_known_neighbours() -> None:
    assert len(services()) == 12
    assert len({s.key for s in services()}) == 12
    for service in services():
        assert re.fullmatch(r"[a-z-]+", service.code)
        assert set(service.neighbours) <= set(CODES) - {service.code}
        for text in (service.guideline, service.guideline_fr):
            assert text.count("**") >= 6 and len(text) > 250
        assert service.name and service.name_fr and service.description and service.description_fr
        assert len(service.keywords) >= 4


def test_every_service_has_enough_hand_written_situations() -> None:
    for service in services():
        told = {lang: len(grammar.templates(service.code, lang, "situations")) for lang in FACTS}
        told_short = {lang: len(grammar.templates(service.code, lang, "shorts")) for lang in FACTS}
        least = (20, 20) if service.weight >= 50 else (10, 10)
        assert told["en"] >= least[0] and told["fr"] >= least[1], service.code
        assert told["en"] + told_short["en"] >= (30 if service.weight >= 50 else 15), service.code


def test_every_template_expands_for_every_product_gender_and_leaves_no_mark_behind() -> None:
    rng = Random(1)
    for lang, template in _all_templates():
        for choice in template.variants():
            for product in rng.sample(products(), 4):
                text = grammar.Template(choice).expand(FACTS[lang](rng, WHEN, product), rng)
                assert not re.search(r"[\[\]{}|]|(^| )@[a-z]+ ", text.replace("@brindille_shop", "")), text


def test_french_articles_agree_and_elide() -> None:
    by_name = {product.fr: product for product in products()}
    expected = {
        "armoire": (
            "l'armoire",
            "une armoire",
            "mon armoire",
            "cette armoire",
            "de l'armoire",
            "d'armoire",
            "e",
        ),
        "imperméable": (
            "l'imperméable",
            "un imperméable",
            "mon imperméable",
            "cet imperméable",
            "de l'imperméable",
            "d'imperméable",
            "",
        ),
        "bouilloire": (
            "la bouilloire",
            "une bouilloire",
            "ma bouilloire",
            "cette bouilloire",
            "de la bouilloire",
            "de bouilloire",
            "e",
        ),
        "canapé": ("le canapé", "un canapé", "mon canapé", "ce canapé", "du canapé", "de canapé", ""),
    }
    for name, forms in expected.items():
        facts = FactsFr(Random(1), WHEN, by_name[name])
        slots = ("le_p", "un_p", "mon_p", "ce_p", "du_p", "de_p", "e")
        assert tuple(facts[slot] for slot in slots) == forms


def test_french_templates_never_put_a_bare_article_or_contraction_before_a_product_slot() -> None:
    for lang, template in _all_templates():
        if lang == "fr":
            assert not re.search(r"\b(le|la|un|une|du|des|ce|cette|mon|ma|de|à) \{p2?\}", template.text), (
                template.text
            )
            assert not re.search(r"\b(de|à) \{(le|un)_p", template.text), template.text
        else:
            assert not re.search(r"\ban? \{p2?\}", template.text), template.text


def test_the_corpus_has_the_promised_size_span_and_shares(tickets: list[DemoTicket]) -> None:
    assert len(tickets) == 10_000
    assert len({t.external_id for t in tickets}) == 10_000
    assert [t.received_at for t in tickets] == sorted(t.received_at for t in tickets)
    assert UNTIL - timedelta(days=DAYS) <= tickets[0].received_at < tickets[-1].received_at < UNTIL
    languages = Counter(t.language for t in tickets)
    assert set(languages) == {"en", "fr"} and languages["fr"] >= 3_000
    assert set(Counter(t.channel for t in tickets)) == {"email", "chat", "form", "phone", "social"}
    per_service = Counter(t.true_service for t in tickets if t.true_service != NONE)
    assert set(per_service) == set(CODES)
    assert 16 <= max(per_service.values()) / min(per_service.values()) <= 25


def test_the_corpus_has_copies_off_topic_two_problem_tickets_and_wrong_keys(
    tickets: list[DemoTicket],
) -> None:
    kinds = Counter(t.kind for t in tickets)
    assert kinds["copy"] == 400 and kinds["off_topic"] == 150
    assert 150 <= kinds["two"] <= 260
    assert sum(t.service != t.true_service for t in tickets) == 200
    by_id = {t.external_id: t for t in tickets}
    copies = [(t, by_id[t.copy_of]) for t in tickets if t.copy_of]
    assert all(copy.received_at >= original.received_at for copy, original in copies)
    equal = sum(copy.text == original.text for copy, original in copies)
    assert 100 <= equal <= 250
    assert all(t.service in {*CODES, NONE} for t in tickets)


def test_near_duplicates_are_about_four_percent_and_the_rest_is_varied(rows: list[stats.Row]) -> None:
    texts = [row.text for row in rows]
    assert 0.035 <= stats.near_duplicate_rate(texts) <= 0.06
    grams = stats.distinct_ngrams(texts)
    assert grams[3] > 90_000 and grams[5] > 150_000


def test_no_service_is_found_by_one_keyword(rows: list[stats.Row]) -> None:
    for keyword in stats.strongest_keywords(rows, precision=0.8):
        assert keyword.recall < 0.4, keyword


def test_a_plain_model_reaches_between_80_and_93_percent_of_the_key(rows: list[stats.Row]) -> None:
    assert 0.80 <= stats.accuracy(rows) <= 0.93


def test_a_note_that_fits_no_product_is_drawn_again_and_no_ticket_is_empty() -> None:
    unlucky = 6810  # the first draw of this one finds no words for its product
    assert corpus._draw(unlucky, "warranty", Random(f"7/{unlucky}"), corpus.UNTIL).text == ""
    assert corpus._ticket(unlucky, "warranty", 7, corpus.UNTIL, set()).text.strip()


def test_personal_data_is_sprinkled_in_and_belongs_to_nobody(tickets: list[DemoTicket]) -> None:
    texts = [t.text for t in tickets]
    assert sum(bool(re.search(r"\w@[\w.]+", text)) for text in texts) > 500
    assert sum("IBAN" in text or bool(re.search(r"\b(FR|GB)\d\d", text)) for text in texts) > 50
    for text in texts:
        for domain in re.findall(r"[\w.]@([\w.]+\w)", text):
            assert re.search(r"(?i)(^|\.)example(\.(com|org|net))?$", domain), text


def test_typing_slips_leave_numbers_addresses_and_line_breaks_alone() -> None:
    text = (
        "Hello,\nmy order BR-12345678 of 12/03, write to maureen.oneill@example.com or 07700 900123\nthanks"
    )
    for seed in range(200):
        rough = roughen(text, "en", "mobile", Random(seed)).casefold()
        assert "br-12345678" in rough and "maureen.oneill@example.com" in rough and "07700 900123" in rough
        assert rough.count("\n") == 2


def test_a_held_out_part_shares_no_text_with_the_rest(tickets: list[DemoTicket]) -> None:
    kept, held = split_holdout(tickets, 0.2)
    assert len(kept) + len(held) == len(tickets)
    assert 0.16 <= len(held) / len(tickets) <= 0.24
    assert not {fold(t.text) for t in kept} & {fold(t.text) for t in held}
    sides = {t.external_id: "kept" for t in kept} | {t.external_id: "held" for t in held}
    assert all(sides[t.external_id] == sides[t.copy_of] for t in tickets if t.copy_of)


def test_the_csv_reads_back_as_written(tmp_path: Path) -> None:
    some = generate(300, seed=3)
    assert write_csv(some, tmp_path / "demo.csv") == 300
    with (tmp_path / "demo.csv").open(encoding="utf-8", newline="") as file:
        read = list(csv.DictReader(file))
    assert tuple(read[0]) == COLUMNS
    assert [(r["external_id"], r["text"], r["service"]) for r in read] == [
        (t.external_id, t.text, t.service) for t in some
    ]
    assert [datetime.fromisoformat(r["received_at"]) for r in read] == [t.received_at for t in some]


def test_the_same_seed_writes_the_same_bytes_whatever_the_hash_seed(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from annotation.demo.corpus import generate;"
        "from annotation.demo.writer import write_csv; write_csv(generate(1500, 7), Path(sys.argv[1]))"
    )
    root = Path(__file__).resolve().parents[2]
    digests = set()
    for hash_seed in ("0", "12345"):
        out = tmp_path / f"{hash_seed}.csv"
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(root)}
        subprocess.run([sys.executable, "-c", code, str(out)], check=True, env=environment, cwd=tmp_path)
        digests.add(hashlib.sha256(out.read_bytes()).hexdigest())
    write_csv(generate(1500, 7), tmp_path / "here.csv")
    digests.add(hashlib.sha256((tmp_path / "here.csv").read_bytes()).hexdigest())
    assert len(digests) == 1
    write_csv(generate(1500, 8), tmp_path / "other.csv")
    assert hashlib.sha256((tmp_path / "other.csv").read_bytes()).hexdigest() not in digests


@pytest.mark.parametrize("count", [1, 2, 13, 50])
def test_small_corpora_work_too(count: int) -> None:
    assert len(generate(count, seed=1)) == count


def test_the_statistics_program_prints_every_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_csv(generate(1200, seed=5), tmp_path / "demo.csv")
    assert stats.main([str(tmp_path / "demo.csv")]) == 0
    printed = capsys.readouterr().out
    for words in ("distinct 5-grams", "near-duplicate rate", "share per language", "logistic regression"):
        assert words in printed


def test_the_statistics_program_says_what_is_wrong_with_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert stats.main([str(tmp_path / "bad.csv")]) == 1
    assert "no column" in capsys.readouterr().err
    assert stats.main([str(tmp_path / "absent.csv")]) == 1
