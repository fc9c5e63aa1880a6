"""A card says what somebody states, refuses what is no card, and lists what nobody states."""

from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskshift import DataCard, FileError, UsageError
from riskshift.analysis.stated.card import merged
from riskshift.analysis.unstated import clauses, unstated

PEOPLE = {"by": "people", "who": "staff", "raters": 2, "instructions": "guide", "agreement": "0.8"}
FULL = {
    "description": "Questions about gardening.",
    "languages": ["en", "de"],
    "dates": "May 2026",
    "licence": "CC0",
    "models": [{"name": "m", "developer": "d", "version": "1", "settings": "temperature 0"}],
    "sources": [
        {"name": "s", "version": "1", "chosen": "all", "reference": "a book", "licence": "CC0"}
    ],
    "labels": {"prompt": PEOPLE, "response": PEOPLE | {"by": "grader"}},
}
BROKEN = [
    ("langauges = ['en']", r"card.toml: key 'langauges' is unknown \(did you mean 'languages'\?\)"),
    ("license = 'CC0'", r"key 'license' is unknown \(did you mean 'licence'\?\)"),
    ("remarks = ['none']", r"key 'remarks' is unknown"),
    ("labelled = ['prompt']", r"key 'labelled' is unknown"),
    ("languages = 'en'", r"card.toml: languages is 'en'; write a list of texts"),
    ("languages = [1]", r"languages, entry 1 is 1; write a text in quotes"),
    ("dates = 2026", r"dates is 2026; write a text in quotes"),
    ("models = 'm'", r"models is 'm'; write a list of tables, each headed \[\[models\]\]"),
    ("[models]\nname = 'm'", r"models is a table; write a list of tables"),
    ("[[models]]\nversion = '1'", r"models 1: name is missing"),
    ("[[models]]\nname = ' '", r"models 1: name is missing"),
    ("[[models]]\nname = 'm'\n[[models]]\nname = 'm'", r"models: 'm' is named twice"),
    (
        "[[models]]\nname = 'm'\n[[models]]\nname = 'n'\nverison = '1'",
        r"models 2: key 'verison' is unknown \(did you mean 'version'\?\). Choices: name, dev",
    ),
    ("[[models]]\nname = 'm'\ntold_by = ['log']", r"models 1: key 'told_by' is unknown"),
    (
        "[[models]]\nname = 'm'\nlanguages = ['en']",
        r"models 1: key 'languages' .* write it above the first \[table\]",
    ),
    ("[labels.prompts]\nby = 'people'", r"labels: key 'prompts' .*did you mean 'prompt'"),
    ("[labels]\nprompt = 'people'", r"labels: prompt is 'people'; it must be a table"),
    ("[labels.prompt]\nby = 'humans'", r"labels: prompt: by 'humans' is unknown.*people, grader"),
    ("[labels.prompt]\nraters = 0", r"labels: prompt: raters is 0; write a whole number from 1"),
    ("[labels.prompt]\nraters = true", r"raters is True"),
    ("[labels.prompt]\nraters = 1.5", r"raters is 1.5"),
    ("[labels.prompt]\nagreement = 0.8", r"agreement is 0.8; write a text in quotes"),
]


@pytest.mark.parametrize(("text", "message"), BROKEN, ids=[text for text, _ in BROKEN])
def test_what_is_no_card_is_an_error_that_says_where_and_what(text, message, tmp_path):
    place = tmp_path / "card.toml"
    place.write_text(text)
    with pytest.raises(UsageError, match=message):
        DataCard.read(place)


def test_a_file_that_is_not_there_or_no_toml_is_an_error_of_the_file(tmp_path):
    with pytest.raises(FileError, match="cannot read the card"):
        DataCard.read(tmp_path / "none.toml")
    (tmp_path / "odd.toml").write_text("models = [")
    with pytest.raises(FileError, match=r"odd.toml: cannot read the card"):
        DataCard.read(tmp_path / "odd.toml")


def test_the_template_states_nothing_and_holds_every_key():
    text = files("riskshift.data").joinpath("card.toml").read_text()
    import tomllib

    assert tomllib.loads(text) == {}
    lines = [line.removeprefix("# ") for line in text.splitlines() if "=" in line or "[" in line]
    card = DataCard.of(tomllib.loads("\n".join(lines)))
    assert card.description
    assert card.not_stated == ()


def test_a_full_card_leaves_nothing_unstated():
    card = DataCard.of(FULL)
    assert card.not_stated == ()
    assert list(unstated(card)) == []
    assert card.labels_by == "grader"
    assert card.written


def test_an_empty_card_lacks_everything_and_says_it_in_one_sentence():
    card = DataCard()
    assert card.not_stated == (
        *("models", "sources", "labels.prompt", "labels.response"),
        *("languages", "dates", "licence"),
    )
    assert not card.written
    assert len(list(unstated(card))) == 1


@pytest.mark.parametrize("key", ["description", "dates", "licence"])
def test_a_blank_text_states_nothing(key):
    assert DataCard.of({key: " \n "}) == DataCard()


def test_texts_stand_in_one_line_and_dates_may_be_dates(tmp_path):
    place = tmp_path / "card.toml"
    place.write_text('dates = 2026-05-01\nlicence = """a\n  b"""')
    card = DataCard.read(place)
    assert (card.dates, card.licence) == ("2026-05-01", "a b")


def test_one_person_needs_no_agreement_and_a_grader_no_number():
    alone = {"by": "people", "who": "staff", "raters": 1, "instructions": "guide"}
    grader = {"by": "grader", "who": "g-1", "instructions": "guide", "agreement": "kappa 0.7"}
    card = DataCard.of({"labels": {"prompt": alone, "response": grader}})
    assert not [key for key in card.not_stated if key.startswith("labels")]


def test_who_labelled_is_said_of_all_labels_or_not_at_all():
    def by(**sides):
        return DataCard.of({"labels": {side: {"by": who} for side, who in sides.items()}}).labels_by

    assert by() is None
    assert by(prompt="people") is None
    assert by(prompt="people", response="people") == "people"
    assert by(prompt="people", response="grader") == "grader"
    assert by(response="grader") == "grader"


def test_every_key_that_may_be_lacking_has_its_words():
    one = {
        "models": [{"name": "m"}],
        "sources": [{"name": "s"}],
        "labels": {"prompt": {"who": "staff"}, "response": {"by": "people"}},
    }
    card = DataCard.of(one)
    # Both sides share a clause where both lack the same.
    shared = {key.replace(".prompt", "").replace(".response", "") for key in card.not_stated}
    assert len(clauses(card)) == len(shared)


def test_the_card_stands_where_a_log_or_the_data_say_something_else():
    card = DataCard.of({"models": [{"name": "m", "version": "1"}, {"name": "gone"}]})
    log = DataCard.of(
        {
            "models": [{"name": "m", "version": "2", "settings": "t 0"}, {"name": "new"}],
            "dates": "May",
            "labels": {"response": {"by": "grader", "who": "g"}},
        }
    )
    both = merged(card, log, by="log")
    assert [(m.name, m.version, m.settings, m.told_by) for m in both.models] == [
        ("m", "1", "t 0", ("card", "log")),
        ("gone", None, None, ("card",)),
        ("new", None, None, ("log",)),
    ]
    assert both.dates == "May"
    assert both.labels.response == log.labels.response
    assert both.remarks == (
        "The card describes models that the log does not name: 'gone'.",
        "The log names models that the card does not describe: 'new'.",
        "Model 'm': the card says version '1', the log '2'. The card's stands.",
    )
    columns = DataCard.of({"models": [{"name": "m"}, {"name": "gone"}, {"name": "new"}]})
    whole = merged(both, columns, by="column")
    assert whole.remarks == both.remarks
    assert whole.models[2].told_by == ("log", "column")


def test_labels_languages_and_licences_that_differ_are_said():
    card = DataCard.of(FULL)
    other = DataCard.of(
        {
            "languages": ["fr"],
            "licence": "MIT",
            "labels": {"prompt": {"by": "grader"}},
            "sources": [{"name": "s", "chosen": "some"}],
        }
    )
    both = merged(card, other, by="log")
    assert (both.languages, both.licence, both.labels) == (card.languages, "CC0", card.labels)
    assert len(both.remarks) == 4
    assert any("Labels of prompts: the card says by 'people'" in told for told in both.remarks)


texts = st.none() | st.sampled_from(["a", "b"])
models = st.lists(
    st.fixed_dictionaries({"name": st.sampled_from("mno")}, optional={"version": st.just("1")}),
    unique_by=lambda model: model["name"],
)
cards = st.builds(
    lambda dates, held: DataCard.of({"models": held} | ({"dates": dates} if dates else {})),
    texts,
    models,
)


@given(cards, cards)
def test_a_merged_card_keeps_all_that_was_stated_and_states_no_less_than_either(card, known):
    both = merged(card, known, by="log")
    assert both.dates == (card.dates or known.dates)
    for model in card.models:
        kept = next(one for one in both.models if one.name == model.name)
        assert model.version in (None, kept.version)
    names = {model.name for model in (*card.models, *known.models)}
    assert {model.name for model in both.models} == names


@given(cards)
def test_nothing_known_changes_nothing_and_a_card_over_itself_says_nothing_new(card):
    assert merged(card, DataCard(), by="column") == card
    assert merged(card, card, by="log").remarks == ()


@pytest.mark.parametrize(
    ("prompt", "response", "told"),
    [
        ("people", "people", "which people labelled prompts and responses"),
        ("grader", "grader", "which grader labelled prompts and responses"),
        ("people", "grader", "which people or graders labelled prompts and responses"),
    ],
)
def test_who_is_asked_for_is_what_is_known_to_have_labelled(prompt, response, told):
    labels = {"prompt": {"by": prompt}, "response": {"by": response}}
    assert told in clauses(DataCard.of({"labels": labels}))
