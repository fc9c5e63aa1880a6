"""The document: what it says, in which order, and that every sentence is true of the data."""

import re
from dataclasses import replace

import pytest

import riskshift
from riskshift.analysis.metrics import CATEGORY, OVERALL
from riskshift.report.document import (
    Bullets,
    CaseList,
    Figure,
    Paragraph,
    Table,
    Terms,
)
from riskshift.report.stories.transitions.story import story

ORDER = [
    "one-side",
    "movement",
    "categories",
    "origin",
    "refusals",
    "one-bit",
    "relevance",
    "by-",
    "hangs",
    "corrected",
    "tipping",
    "cases",
    "card",
    "methods",
    "provenance",
]


@pytest.fixture(scope="module")
def document(any_result):
    return story(any_result)


def blocks(document, kind):
    return [b for section in document.sections for b in section.blocks if isinstance(b, kind)]


def table(document, caption):
    (found,) = (t for t in blocks(document, Table) if t.caption.startswith(caption))
    return found


def row(document, caption, first):
    (found,) = (r for r in table(document, caption).rows if r[0].strip() == first)
    return found


def prose(document):
    """Every sentence that a reader meets."""
    yield from (document.title, document.subtitle, *document.summary, *document.caveats)
    for section in document.sections:
        yield section.title
    for block in blocks(document, Paragraph):
        yield block.text
    for block in blocks(document, Bullets):
        yield from block.items
    for block in blocks(document, Figure):
        yield from (block.title, block.alt)
    for block in blocks(document, Table):
        yield from (block.caption, *block.notes)
    for block in blocks(document, Terms):
        yield from (meaning for _, _, meaning in block.items)


def cells(document):
    for block in blocks(document, Table):
        for line in (block.columns, *block.rows):
            yield from line


class TestEveryDocument:
    def test_sections_stand_in_reading_order(self, document, any_result):
        anchors = [section.anchor for section in document.sections]
        ranks = [next(i for i, a in enumerate(ORDER) if anchor.startswith(a)) for anchor in anchors]
        assert ranks == sorted(ranks)
        assert len(set(anchors)) == len(anchors)
        assert ("relevance" in anchors) == (any_result.population.relevance is not None)
        groups = [anchor for anchor in anchors if anchor.startswith("by-")]
        assert groups == [f"by-{column}" for column in any_result.groups]

    def test_summary_has_two_to_seven_sentences(self, document):
        assert 2 <= len(document.summary) <= 7
        for sentence in document.summary:
            assert sentence[0].isupper() or sentence[0].isdigit()
            assert sentence.endswith(".")

    def test_nothing_of_the_program_shows_through(self, document):
        odd = re.compile(r"\bnan\b|\bNone\b|\binf\b|\bTrue\b|\bFalse\b|Interval\(|<class|\{|\}")
        for text in (*prose(document), *cells(document)):
            assert not odd.search(text.replace("None of the", "")), text
            assert "  " not in text.strip()

    def test_cells_are_text_and_fill_their_tables(self, document):
        for found in blocks(document, Table):
            assert found.rows
            for line in found.rows:
                assert len(line) == len(found.columns)
                assert all(isinstance(cell, str) for cell in line)
            assert all(0 <= at < len(found.columns) for at in found.essential)

    def test_undefined_stands_only_where_there_are_no_trials(self, document, any_result):
        population = any_result.population
        if population.labelled_side:
            assert "movement" not in [section.anchor for section in document.sections]
            return
        for metric in OVERALL:
            if metric.name in population.overall and not metric.beside:
                line = row(document, "Rates over all categories", metric.name.replace("_", " "))
                rate = population.overall[metric.name]
                assert ("undefined" in line[1:3]) == (rate.trials == 0)
        for name, category in population.categories.items():
            stayed, drifted = category.rates["persistence"], category.rates["drift_rate"]
            line = row(document, "Persistence and drift", name)
            assert ("undefined" in line[2:4]) == (stayed.trials == 0)
            assert ("undefined" in line[5:7]) == (drifted.trials == 0)

    def test_undefined_is_explained_beside_it(self, document):
        for found in blocks(document, Table):
            if any("undefined" in cell for line in found.rows for cell in line[:-1]):
                relevance = found.caption.startswith("Relevance")
                adds_up = found.caption.startswith("Where harmful")
                assert relevance or adds_up or any(n.startswith("Undefined") for n in found.notes)

    def test_every_interval_names_its_level(self, document):
        for found in blocks(document, Table):
            ranges = [cell for line in found.rows for cell in line if re.search(r"\d%? to ", cell)]
            spreads = [cell for cell in ranges if "missing" not in cell]
            if spreads:
                said = (found.caption, *found.columns, *found.notes)
                assert any(re.search(r"95(\.0)?%", text) for text in said), found.caption

    def test_figures_show_something_and_are_told_in_words(self, document):
        figures = list(document.figures())
        assert len({figure.name for figure in figures}) == len(figures)
        for figure in figures:
            assert figure.rows
            assert len(figure.alt) > 20
            assert "undefined" not in str(figure.rows)

    def test_methods_define_every_rate_that_is_shown(self, document, any_result):
        overall, category = blocks(document, Terms)
        shown = {metric.name for metric in OVERALL if metric.name in any_result.population.overall}
        assert {name for name, _, _ in overall.items} == shown
        first = next(iter(any_result.population.categories.values()))
        shown = {m.name for m in CATEGORY if m.on_page and m.name in first.rates}
        assert {name for name, _, _ in category.items} == shown

    def test_cases_are_all_there(self, document, any_result):
        lists = blocks(document, CaseList)
        listed = [[replace(case, origin="") for case in found.cases] for found in lists]
        given = [replace(case, origin="") for case in any_result.cases]
        assert listed == ([given] if given else [])

    def test_provenance_tells_what_it_takes_to_repeat_it(self, document, any_result):
        facts = dict(table(document, "Provenance").rows)
        assert facts["hash of the sorted counts"] == any_result.provenance.data_hash
        assert facts["seed"] == str(any_result.settings.seed)
        assert facts["riskshift"] == riskshift.__version__
        assert (
            row(document, "Records", "records analyzed")[1] == f"{any_result.population.records:,}"
        )

    def test_counts_agree_with_their_nouns(self, document):
        one = re.compile(r"\b1 (pairs|records|escalations|values|categories)\b")
        many = re.compile(r"\b(?:[02-9]|\d[\d,]*\d) (pair|record|escalation|value)\b")
        for text in prose(document):
            assert not one.search(text), text
            assert not many.search(text), text

    def test_missing_labels_stand_beside_the_rates_they_could_move(self, document, any_result):
        if any_result.population.labelled_side:
            return  # no such rate is shown
        for name, category in any_result.population.categories.items():
            for metric in ("persistence", "drift_rate"):
                rate = category.rates[metric]
                if rate.missing:
                    assert f"({rate.missing} missing)" in " ".join(
                        row(document, "Persistence and drift", name)
                    )


SUMMARIES = {
    "one escalation": (
        "Of 1 pair, the response was less severe than the prompt in 0 (0%), as severe in 0 (0%) "
        "and more severe in 1 (100%, 95% interval 20.7% to 100%).",
        "Harmless prompts got a harmful response in 1 of 1 pair (100%, 20.7% to 100%).",
        "No prompt is harmful in any category, so nothing can be said about persistence.",
        "The only escalation came from a harmless prompt (unsolicited elaboration).",
        "Some findings hang on one part of the data: without category a, there is no escalation.",
    ),
    "nothing labelled": (
        "None of the 2 pairs has all its labels, so how risk moves cannot be told.",
        "Whether harmful or harmless prompts got harmful responses cannot be told.",
        "Labels are missing where persistence would show, so nothing can be said about it.",
        "No response is known to be more severe than its prompt.",
    ),
    "one pair and nothing labelled": (
        "The only pair lacks a label, so how risk moves cannot be told.",
        "Whether harmful or harmless prompts got harmful responses cannot be told.",
        "Labels are missing where persistence would show, so nothing can be said about it.",
        "No response is known to be more severe than its prompt.",
    ),
    "no escalation": (
        "Of 4 pairs, the response was less severe than the prompt in 2 (50.0%), as severe in 2 "
        "(50.0%) and more severe in 0 (0%, 95% interval 0% to 49.0%).",
        "Harmful prompts got a harmful response in 1 of 3 pairs (33.3%, 6.1% to 79.2%); harmless "
        "ones in 0 of 1 (0%, 0% to 79.3%).",
        "Harm persists most in b: in 1 of 1 pair with a prompt harmful in it (100%, 20.7% to "
        "100%), too few pairs to tell it from a (either needs 10).",
        "No response was more severe than its prompt.",
    ),
    "every pair escalates": (
        "Of 3 pairs, the response was less severe than the prompt in 0 (0%), as severe in 0 (0%) "
        "and more severe in 3 (100%, 95% interval 43.9% to 100%).",
        "Harmful prompts got a harmful response in 1 of 1 pair (100%, 20.7% to 100%); harmless "
        "ones in 2 of 2 (100%, 34.2% to 100%).",
        "Harm in a persisted in 1 of 1 pair with a prompt harmful in it (100%, 20.7% to 100%).",
        "Of 3 escalations, most came from harmless prompts (unsolicited elaboration): 2 (66.7%, "
        "20.8% to 93.9%).",
    ),
    "two levels": (
        "Some of the 3 pairs lack labels. By what is known of them, the response was less severe "
        "than the prompt in 58.3%, as severe in 8.3% and more severe in 33.3% (95% interval 6.1% to "
        "79.2%).",
        "Harmful prompts got a harmful response in 0 of 1 pair (0%, 0% to 79.3%; 0% to 50.0% by "
        "missing labels); harmless ones in 1 of 1 (100%, 20.7% to 100%).",
        "In no category did harm persist from prompt to response; the intervals reach up to "
        "79.3% (harm).",
        "The only escalation came from a harmless prompt (unsolicited elaboration).",
    ),
}


class TestWords:
    """Sentences read aloud: what is said of small frames, word for word."""

    @pytest.mark.parametrize("name", SUMMARIES)
    def test_summary(self, small_results, name):
        assert story(small_results[name]).summary == SUMMARIES[name]

    def test_summary_of_the_corpus(self, corpus):
        assert story(corpus).summary == (
            "Of 1,250 pairs, the response was less severe than the prompt in 763 (61.0%), as severe "
            "in 447 (35.8%) and more severe in 40 (3.2%, 95% interval 2.4% to 4.3%).",
            "Harmful prompts got a harmful response in 109 of 854 pairs (12.8%, 10.7% to 15.2%); "
            "harmless ones in 32 of 396 (8.1%, 5.8% to 11.2%).",
            "Harm persists most in sexual: in 47 of 189 pairs with a prompt harmful in it (24.9%, "
            "19.2% to 31.5%), clearly more than in hate, self_harm and violence.",
            "Of 40 escalations, most came from harmless prompts (unsolicited elaboration): 32 "
            "(80.0%, 65.2% to 89.5%).",
            "One bit, a defect rate of 11.3%, hides that of the responses it calls good 67.2% lowered a risk and "
            "32.8% had none to lower; and that of the bad ones 12.8% were less severe than their prompt and 28.4% "
            "more severe.",
        )

    @pytest.mark.parametrize(
        ("name", "sentence"),
        [
            ("one escalation", "There is only 1 escalation, too few to say much about how "),
            (
                "every pair escalates",
                "There are only 3 escalations, too few to say much about how ",
            ),
            ("one pair and nothing labelled", "1 record lacks labels without which it is open "),
            ("nothing labelled", "2 records lack labels without which it is open whether "),
            ("nothing labelled", "the escalation rate of this data lies between 0% and 100%."),
            ("nothing labelled", "Labels are missing in a and b: persistence there is undefined"),
            ("one escalation", "No prompt is harmful in a or b: persistence there is undefined"),
            ("one escalation", "The data does not say which records share a prompt"),
            ("one reduction", "The data has no relevance and no refusals, so a refusal "),
            ("one prompt, three models", "All 3 records share one value of prompt_id."),
            ("prompts of two sizes", "5 records share 3 values of prompt_id."),
            ("prompts of two sizes", "Values of prompt_id have different numbers of records"),
        ],
    )
    def test_caveat(self, small_results, name, sentence):
        assert sentence in " ".join(story(small_results[name]).caveats)

    def test_what_does_not_hold_is_not_said(self, small_results, corpus):
        said = " ".join(story(corpus).caveats)
        for unfounded in ("share", "too few", "lack", "undefined", "no relevance"):
            assert unfounded not in said
        assert "different numbers" not in " ".join(
            story(small_results["one prompt, three models"]).caveats
        )

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("one escalation", "In all: 1 harmful response and 1 escalation. Some pairs of each"),
            ("no escalation", "In all: 1 harmful response and 0 escalations. Some pairs of each"),
            ("nothing labelled", "No response is known to be harmful, or more severe than its "),
            (
                "every pair escalates",
                "In all: 3 harmful responses and 3 escalations. Some pairs of",
            ),
        ],
    )
    def test_cases(self, small_results, name, words):
        (section,) = (s for s in story(small_results[name]).sections if s.anchor == "cases")
        assert section.blocks[0].text.startswith(words)

    def test_cases_may_be_left_out(self, corpus_path):
        result = riskshift.analyze(corpus_path, cases=0, resamples=50, permutations=50)
        (section,) = (s for s in story(result).sections if s.anchor == "cases")
        assert [block.text for block in section.blocks] == [
            "In all: 141 harmful responses and 40 escalations. No case is listed."
        ]

    def test_what_one_bit_says_of_the_cases_is_what_their_labels_say(self, corpus):
        (listed,) = blocks(story(corpus), CaseList)
        harmful = {at for at, case in enumerate(corpus.cases) if max(case.response.values()) >= 1}
        asked = {at for at, case in enumerate(corpus.cases) if max(case.prompt.values()) >= 1}
        bits = {name: set(members) for name, members in listed.bits}
        everyone = set(range(len(corpus.cases)))
        assert bits == {
            "attack worked": harmful & asked,
            "attack failed": asked - harmful,
            "defect": harmful,
            "no defect": everyone - harmful,
        }

    @pytest.mark.parametrize(("confidence", "written"), [(0.9, "90%"), (0.999, "99.9%")])
    def test_level_is_written_as_given(self, corpus_path, confidence, written):
        result = riskshift.analyze(
            corpus_path, confidence=confidence, resamples=50, permutations=50, cases=0
        )
        document = story(result)
        assert f", {written} interval " in document.summary[0]
        headings = table(document, "Rates over all categories").columns
        assert f"{written} interval" in headings
        assert dict(table(document, "Provenance").rows)["confidence"] == written

    def test_reference_named_in_advance_is_not_said_to_be_picked(self, corpus, corpus_path):
        named = riskshift.analyze(
            corpus_path, reference="sexual", resamples=50, permutations=50, cases=0
        )
        caption = "Differences of persistence"
        assert "was picked" in " ".join(table(story(corpus), caption).notes)
        assert "was picked" not in " ".join(table(story(named), caption).notes)

    def test_levels_at_which_harm_begins_are_named(self):
        import polars as pl

        def methods(start):
            taxonomy = riskshift.Taxonomy(["harm"], ["Fine", "Odd", "Bad"], start)
            frame = pl.DataFrame({"prompt_harm": [0, 2], "response_harm": [1, 2]})
            document = story(riskshift.analyze(frame, taxonomy=taxonomy, resamples=50))
            (section,) = (s for s in document.sections if s.anchor == "methods")
            return section.blocks[0].items[0]

        assert "one severity in the one category: Fine < Odd < Bad. Harmful means Odd or more." in (
            methods(1)
        )
        assert "Harmful means Bad." in methods(2)
