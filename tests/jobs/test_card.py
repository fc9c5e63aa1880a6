"""A card changes no number; what it states and what columns name are laid one over the other."""

from pathlib import Path

import polars as pl
import pytest

import riskshift
from riskshift import DataCard, Taxonomy, UsageError

HARM = Taxonomy(["harm"], ["Safe", "Harmful"])
PEOPLE = {"labels": {"prompt": {"by": "people"}, "response": {"by": "people"}}}
GRADER = {"labels": {"prompt": {"by": "people"}, "response": {"by": "grader"}}}


def frame(models=("old", "new"), **more):
    rows = [
        {
            "prompt_id": f"p{at}",
            "model": model,
            "source": "book" if at % 2 else "web",
            "prompt_harm": at % 2,
            "response_harm": int(at % 5 == place),
        }
        for at in range(20)
        for place, model in enumerate(models)
    ]
    return pl.DataFrame(rows).with_columns(**more)


def analyzed(card=None, data=None, **more):
    data = frame() if data is None else data
    options = {"resamples": 50, "permutations": 50, "taxonomy": HARM}
    return riskshift.analyze(data, card=card, **(options | more))


def test_a_card_changes_no_number_and_no_hash():
    with_card = analyzed(DataCard.of(GRADER | {"dates": "May"})).to_dict()
    without = analyzed().to_dict()
    for made in (with_card, without):
        for key in ("timing", "card", "notes", "labels_by"):
            made.pop(key)
    assert with_card == without


def test_columns_name_models_and_sources_without_a_card():
    card = analyzed().card
    assert [(m.name, m.told_by) for m in card.models] == [
        ("new", ("column",)),
        ("old", ("column",)),
    ]
    assert [s.name for s in card.sources] == ["book", "web"]
    assert "models" not in card.not_stated
    assert "models.version" in card.not_stated
    assert not card.written


def test_data_without_such_columns_name_nothing():
    card = analyzed(data=frame(("old",)).drop("model", "source")).card
    assert (card.models, card.sources, card.remarks) == ((), (), ())


def test_names_are_those_that_groups_have_and_blanks_name_nothing():
    data = frame(("old",), source=pl.lit(" book ")).with_columns(
        source=pl.when(pl.col("prompt_id") == "p1").then(None).otherwise("source")
    )
    assert [source.name for source in analyzed(data=data).card.sources] == ["book"]


def test_a_column_of_very_many_sources_is_not_listed():
    data = pl.concat([frame(("old",), source=pl.lit(f"s{at}")) for at in range(120)])
    data = data.with_row_index("row").with_columns(prompt_id=pl.col("row").cast(pl.String))
    card = analyzed(data=data.drop("row")).card
    assert card.sources == ()
    assert "more than 100 values" in card.remarks[0]


def test_a_column_that_holds_lists_names_nothing():
    with pytest.warns(riskshift.RiskshiftWarning, match="'source' holds List"):
        assert analyzed(data=frame(source=pl.lit([1, 2]))).card.sources == ()


def test_contradictions_with_columns_are_said():
    card = analyzed(DataCard.of({"models": [{"name": "old"}, {"name": "odler"}]})).card
    assert card.remarks == (
        "The card describes models that the data does not name: 'odler'.",
        "The data names models that the card does not describe: 'new'.",
    )


def test_one_model_of_several_is_no_contradiction():
    stated = DataCard.of({"models": [{"name": "old"}, {"name": "new", "version": "2"}]})
    card = analyzed(stated, model="new").card
    assert [(m.name, m.version) for m in card.models] == [("new", "2")]
    assert card.remarks == ()


def test_of_a_side_that_has_no_labels_nothing_need_be_stated():
    card = analyzed(data=frame(("old",)).drop("prompt_harm")).card
    assert [key for key in card.not_stated if key.startswith("labels")] == ["labels.response"]


def test_the_sentence_stands_in_what_cannot_be_said_once():
    told = [note for note in analyzed().notes if note.startswith("It is not stated")]
    assert len(told) == 1


def test_the_card_says_who_made_the_labels_where_nobody_else_does():
    assert analyzed().labels_by is None
    assert analyzed(DataCard.of(GRADER)).labels_by == "grader"
    by_people = analyzed(DataCard.of(PEOPLE))
    assert (by_people.labels_by, by_people.tipping) == ("people", ())


@pytest.mark.parametrize(("card", "who"), [(PEOPLE, "grader"), (GRADER, "people")])
def test_a_card_and_labels_by_that_contradict_each_other_are_refused(card, who):
    with pytest.raises(UsageError, match=f"labels_by '{who}' .* contradicts the card"):
        analyzed(DataCard.of(card), labels_by=who)
    assert analyzed(DataCard.of(GRADER), labels_by="grader").labels_by == "grader"
    assert analyzed(DataCard.of(PEOPLE), labels_by="people").labels_by == "people"


def test_peoples_labels_correct_no_labels_that_the_card_says_people_made():
    card = DataCard.of(PEOPLE)
    jobs = (
        lambda: analyzed(card, people=frame()),
        lambda: riskshift.compare(frame(), people=frame(), taxonomy=HARM, card=card),
        lambda: riskshift.check(
            frame(), "escalation <= 90% by model", people=frame(), taxonomy=HARM, card=card
        ),
    )
    for job in jobs:
        with pytest.raises(UsageError, match="states that people labelled prompts and responses"):
            job()


def test_a_card_is_a_path_or_a_card(tmp_path):
    place = tmp_path / "card.toml"
    place.write_text('dates = "May"')
    assert analyzed(place).card.dates == analyzed(str(place)).card.dates == "May"
    with pytest.raises(UsageError, match="card is a dict; give a path or a DataCard"):
        analyzed({"dates": "May"})


def test_compare_holds_the_card_too():
    result = riskshift.compare(frame(), taxonomy=HARM, card=DataCard.of({"dates": "May"}))
    assert result.card.dates == "May"
    assert result.to_dict()["card"]["not_stated"] == list(result.card.not_stated)
    assert any(note.startswith("It is not stated") for note in result.notes)


def test_check_holds_the_card_of_both_sides_and_warns_of_what_contradicts_it():
    card = DataCard.of({"models": [{"name": "old"}, {"name": "\x1b[31mnew"}]})
    report = riskshift.check(
        frame(("new",)),
        ["escalation <= 90%", "escalation - baseline <= 90%"],
        baseline=frame(("old",)),
        taxonomy=HARM,
        card=card,
    )
    assert {model.name for model in report.card.models} == {"old", "new", "\x1b[31mnew"}
    assert any("does not name" in warning for warning in report.warnings)
    assert not any("\x1b" in warning for warning in report.warnings)
    assert any(note.startswith("It is not stated") for note in report.notes)


def test_what_a_log_knows_of_its_run_stands_in_the_card_and_the_card_wins():
    log = Path(__file__).parents[1] / "formats" / "logs" / "promptfoo.json"
    options = {"resamples": 20, "permutations": 20, "cases": 0}
    known = riskshift.analyze(log, **options).card
    assert known.description.startswith("Read as a log of promptfoo ")
    assert known.dates
    stated = DataCard.of({"description": "Answers about gardens.", "dates": "spring"})
    both = riskshift.analyze(log, card=stated, **options).card
    assert (both.description, both.dates) == ("Answers about gardens.", "spring")
    assert any("the log" in remark for remark in both.remarks)
