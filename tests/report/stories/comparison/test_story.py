"""The comparison's page: the safest first, nothing odd in any cell."""

import re

import polars as pl
import pytest

from riskshift import Taxonomy, compare
from riskshift.analysis.words import percent
from riskshift.report.document import Bullets, Figure, Grid, Panels, Paragraph, Table
from riskshift.report.render.tabular import narrowed
from riskshift.report.stories.comparison.story import story
from riskshift.report.writing import render

HARM = Taxonomy(["harm"], ["Safe", "Low", "High"])


def frame(models=("old", "new", "third"), samples=1, groups=("x",)):
    rows = [
        {
            "prompt_id": f"{group}{i}",
            "model": model,
            "sample": s,
            "lang": group,
            "prompt_harm": i % 3,
            "response_harm": (i * (at + 2) + s) % 3,
        }
        for group in groups
        for i in range(20)
        for at, model in enumerate(models)
        for s in range(samples)
    ]
    return pl.DataFrame(rows)


RESULTS = {
    "baseline": lambda: compare(frame(), baseline="old", taxonomy=HARM),
    "all pairs": lambda: compare(frame(), taxonomy=HARM),
    "two models": lambda: compare(frame(("old", "new")), taxonomy=HARM),
    "samples": lambda: compare(frame(samples=3), baseline="old", taxonomy=HARM),
    "mix and groups": lambda: compare(
        frame(groups=("x", "y")), baseline="old", standardize="pooled", by="lang", taxonomy=HARM
    ),
    "nothing shared in a category": lambda: compare(
        frame().with_columns(prompt_harm=0), baseline="old", taxonomy=HARM
    ),
}


@pytest.fixture(params=RESULTS, scope="module")
def result(request):
    return RESULTS[request.param]()


def texts(document):
    yield from (document.title, document.subtitle, *document.summary, *document.caveats)
    for section in document.sections:
        yield section.title
        for block in section.blocks:
            if isinstance(block, Paragraph):
                yield block.text
            elif isinstance(block, Bullets):
                yield from block.items
            elif isinstance(block, Figure):
                yield block.alt
            elif isinstance(block, Panels):
                yield from (figure.alt for figure in block.figures)
            elif isinstance(block, Table):
                yield from (block.caption, *block.columns, *block.footnotes)
                for row in block.rows:
                    yield from row


def test_the_safest_come_first_and_provenance_last(result):
    document = story(result)
    anchors = [section.anchor for section in document.sections]
    assert anchors[:2] == ["safest", "directions"]
    assert anchors[-1] == "provenance"
    assert len(set(anchors)) == len(anchors)


def test_what_was_not_asked_for_is_folded(result):
    folded = [section.anchor for section in story(result).sections if section.folded]
    assert {"verdicts", "words", "rates", "differences", "methods", "provenance"} <= set(folded)
    assert not {"safest", "directions", "interaction", "mix", "drawn", "alone"} & set(folded)


def test_every_pair_of_models_has_one_cell(result):
    (grid,) = (b for s in story(result).sections for b in s.blocks if isinstance(b, Grid))
    cells = [cell for _, row in grid.rows for cell in row if cell is not None]
    assert len(cells) == len(result.directions)
    words = {"better", "not worse", "worse", "a trade-off", "not settled", "no verdict"}
    assert {cell.word for cell in cells} <= words


def test_rates_and_letters_stand_model_by_model():
    made = RESULTS["all pairs"]()
    (glance,) = (s for s in story(made).sections if s.anchor == "safest")
    (shown,) = (block for block in glance.blocks if isinstance(block, Table))
    assert {row[0] for row in shown.rows} == set(made.models)
    narrow = narrowed(shown)
    metrics = [*made.directions[0].harm.metrics, *made.directions[0].helpful.metrics]
    assert len(narrow.columns) == 1 + len(metrics)
    letters = {item.metric: item.letters for item in made.omnibus}
    for row in narrow.rows:
        for metric, cell in zip(metrics, row[1:], strict=True):
            rate = made.rates[metric][row[0]]
            assert cell == f"{percent(rate.estimate)} {letters[metric][row[0]]}"


def test_nothing_of_the_program_shows_through(result):
    odd = re.compile(r"\bnan\b|\bNone\b|\binf\b|Interval\(|\{|\}|  ")
    for text in texts(story(result)):
        assert not odd.search(text), text


def test_tables_are_filled(result):
    for section in story(result).sections:
        for block in section.blocks:
            if isinstance(block, Table):
                assert all(len(row) == len(block.columns) for row in block.rows)


@pytest.mark.parametrize("suffix", [".html", ".md", ".tex", ".json", ".csv"])
def test_every_format_renders(result, suffix):
    assert len(render(result, suffix)) > 500


def test_a_margin_of_one_point_is_singular():
    words = " ".join(story(RESULTS["baseline"]()).summary)
    assert "a margin of 1 point:" in words


def verdicts_of(made):
    return next(table for table in tables(story(made)) if table.caption.startswith("Verdicts"))


def tables(document):
    for section in document.sections:
        yield from (block for block in section.blocks if isinstance(block, Table))


def test_pairs_of_models_say_which_is_first_or_leave_the_baseline_to_the_caption():
    for made, heading in (
        (RESULTS["all pairs"](), "Compared"),
        (RESULTS["baseline"](), "Candidate"),
    ):
        verdicts = verdicts_of(made)
        assert verdicts.columns[1] == heading
        names = {row[1] for row in verdicts.rows}
        if heading == "Compared":
            assert names == {"old against new", "third against new", "third against old"}
        else:
            assert names == {"new", "third"}
            assert "against old" in verdicts.caption


def test_verdicts_on_few_prompts_are_marked():
    made = RESULTS["two models"]()
    verdicts = verdicts_of(made)
    assert all(row[2].endswith(" *") for row in verdicts.rows)
    assert "* Fewer than 30 shared prompts." in verdicts.notes
    few = next(d for d in made.differences if d.verdict is not None)
    assert f"{few.metric} (only {few.prompts} prompts)" in " ".join(made.summary)


def test_a_single_comparison_needs_no_correction():
    (escalation, *_) = (
        t for t in tables(story(RESULTS["two models"]())) if t.caption == "escalation"
    )
    assert escalation.columns[-1] == "p"
    several = next(t for t in tables(story(RESULTS["all pairs"]())) if t.caption == "escalation")
    assert several.columns[-2:] == ("For all at once", "p for all")


def test_notes_say_which_verdicts_hold_together():
    together = " ".join(RESULTS["all pairs"]().notes)
    assert (
        "The verdicts on one metric hold together (95% for all 3 comparisons at once)" in together
    )
    alone = " ".join(RESULTS["two models"]().notes)
    assert "Each verdict reads an interval of its own (95%): of the verdicts on" in alone


def test_higher_is_shown_and_said_whatever_the_margin():
    """40 of 400 prompts got worse, 20 better: +5 points, surely above 0 but not above 4."""
    rows = [(0, 1)] * 40 + [(1, 0)] * 20 + [(0, 0)] * 340
    made = compare(
        pl.DataFrame(
            {
                "prompt_id": [i for i, _ in enumerate(rows) for _ in range(2)],
                "model": ["old", "new"] * len(rows),
                "prompt_harm": [1] * 2 * len(rows),
                "response_harm": [severity for row in rows for severity in row],
            }
        ),
        baseline="old",
        metrics=["response_harm", "reduction"],
        margin=0.04,
        taxonomy=HARM,
    )
    rows = {row[0]: row[2] for row in verdicts_of(made).rows}
    assert rows["response_harm"] == "not settled, though higher"
    assert rows["reduction (higher is better)"] == "not settled, though lower"
    (told,) = (sentence for sentence in made.summary if "at a margin of" in sentence)
    assert "not settled, though higher on response_harm" in told
    harm, reduction = [line for line in str(made).splitlines() if "whether by more" in line][:2]
    assert harm.startswith("new is higher than old on response_harm; whether by more than 4 points")
    assert reduction.startswith("new is lower than old on reduction; whether by more than 4 points")
