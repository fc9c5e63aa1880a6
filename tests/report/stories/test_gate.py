"""The page of a gate: the verdict first, every check once, nothing of a path."""

import polars as pl
import pytest

import riskshift
from riskshift.report.render.html import render_html
from riskshift.report.stories.gate import MOST_DRAWN, story

TWO = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])


def pairs(bad, size=400, topic="x"):
    rows = range(size)
    return pl.DataFrame(
        {
            "prompt_id": [f"{topic} {n}" for n in rows],
            "topic": [topic] * size,
            "prompt_harm": [0] * size,
            "response_harm": [int(n < bad) for n in rows],
        }
    )


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    place = tmp_path_factory.mktemp("secret-folder") / "pairs.csv"
    parts = [pairs(2, topic="good"), pairs(60, topic="poor"), pairs(0, 40, topic="few")]
    pl.concat(parts).write_csv(place)
    return riskshift.check(place, "escalation <= 5% by topic", taxonomy=TWO)


def test_the_verdict_stands_first_and_the_worst_check_on_top(report):
    document = story(report)
    assert document.summary[0] == report.headline
    table = document.sections[0].blocks[0]
    assert [row[0] for row in table.rows] == ["FAIL", "INCONCLUSIVE", "PASS"]
    assert "poor" in table.rows[0][1]


def test_every_check_is_found_once_with_its_sentence(report):
    (bullets,) = story(report).sections[1].blocks
    assert len(bullets.items) == len(report.results)
    assert all(any(r.sentence in item for item in bullets.items) for r in report.results)


def test_every_interval_is_drawn_and_said(report):
    (figure,) = story(report).figures()
    assert [row["label"] for row in figure.rows] == list(figure.order)
    held = report.worst_first[0].rate.interval
    assert (figure.rows[0]["low"], figure.rows[0]["high"]) == (held.low, held.high)
    assert all(result.title in figure.alt for result in report.results)


def test_many_checks_are_not_drawn():
    parts = [pairs(0, 5, topic=f"t{n}") for n in range(MOST_DRAWN + 1)]
    report = riskshift.check(pl.concat(parts), "escalation <= 5% by topic", taxonomy=TWO)
    assert not list(story(report).figures())


def test_a_warning_about_the_rules_stands_beside_the_verdict(report):
    assert any("refuses everything" in told for told in story(report).summary) == any(
        "refuses everything" in told for told in report.cautions
    )
    assert set(report.cautions) <= set(story(report).summary)


def test_rates_and_differences_have_their_own_units():
    report = riskshift.check(
        pairs(60), "escalation - baseline <= 5%", baseline=pairs(2), taxonomy=TWO
    )
    (row,) = story(report).sections[0].blocks[0].rows
    assert row[3] == "+14.5 points"


def test_the_heading_names_the_file_without_its_folder(report):
    page = render_html(story(report))
    assert "3 checks of pairs.csv" in page
    assert "secret-folder" not in page.split("Rules, and where")[0]
