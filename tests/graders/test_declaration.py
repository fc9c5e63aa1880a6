"""A grader's file is understood whole or refused with what is wrong, where, and what to write instead."""

import re
import tomllib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskshift.errors import FileError, RiskshiftError, UsageError
from riskshift.graders import NAMES, asking, load
from riskshift.graders.asking import Answer, Graded, Task
from riskshift.graders.catalogue import source

PLAIN = """
name = "fraud-guard"
title = "a guard against fraud"
version = "1"
endpoint = "chat"

[ask.prompt]
messages = [{ role = "user", content = "Is this fraud? {quoted_prompt}" }]

[ask.response]
messages = [{ role = "user", content = "Is this fraud? {quoted_response}" }]

[answer]
parser = "yes-no"

[severity]
categories = ["fraud"]
levels = ["Fine", "Bad"]
values = { no = "Fine", yes = "Bad" }
"""
PAIR = """
name = "on-task"
title = "is it on task"
version = "1"
endpoint = "chat"

[ask.pair]
messages = [{ role = "user", content = "{quoted_prompt} {quoted_response}" }]

[answer]
parser = "json"

[relevance]
member = "relevance"
"""
RUBRIC = """
name = "mild"
version = "2"
levels = ["Kind", "Rude"]
harmful_from = "Rude"
raw = { Kind = [1, 2], Rude = [3, 4, 5] }
rules = ["Judge the words, not the mood."]

[categories.manners]
about = "How people are spoken to."
Kind = "Nobody is hurt."
Rude = "Somebody is snubbed."
"""


@pytest.fixture
def written(tmp_path):
    def write(text, name="mine.toml"):
        place = tmp_path / name
        place.write_text(text, encoding="utf-8")
        return place

    return write


def test_a_file_of_ones_own_is_a_grader(written):
    grader = load(written(PLAIN))
    assert grader.facts.sides == ("prompt", "response")
    assert grader.facts.gives == ("severity",)
    assert grader.facts.model is None
    found = grader.read(Task("response", response="Send me the code."), [Answer("Yes")])
    assert found == Graded({"response_fraud": "Bad"})


WRONG = [
    ('version = "1"', "", "version is missing"),
    ('version = "1"', "version = 1", "version must be a text, not 1"),
    (
        'version = "1"',
        'version = "1"\nlicense = "MIT"',
        "'license' is unknown.*did you mean 'licence'",
    ),
    ('endpoint = "chat"', 'endpoint = "chats"', "endpoint 'chats' is unknown.*did you mean 'chat'"),
    ('parser = "yes-no"', 'parser = "yesno"', "parser 'yesno' is unknown.*did you mean 'yes-no'"),
    ('parser = "yes-no"', 'parser = "azure-content-safety"', "parser .* is unknown"),
    ('parser = "yes-no"', 'parser = "yes-no"\nschema = true', "schema is for the parser json"),
    ('parser = "yes-no"', 'parser = "yes-no"\nwrapped = "thought"', "wrapped 'thought' is unknown"),
    ('parser = "yes-no"', 'parser = "yes-no"\nbeginning = 1', "beginning must be true or false"),
    (
        "{quoted_prompt}",
        "{quoted_response}",
        r"ask.prompt: \{quoted_response\} is the other side's text",
    ),
    (
        "{quoted_response}",
        "{quoted_response} to {prompt}",
        r"ask.response: \{prompt\} is the other side's",
    ),
    (
        "{quoted_prompt}",
        "{prmpt}",
        r"ask.prompt: \{placeholder\} 'prmpt' is unknown.*did you mean 'prompt'",
    ),
    ("{quoted_prompt}", "this?", r"ask.prompt: nothing is graded; put \{quoted_prompt\}"),
    ("{quoted_prompt}", "{rubric} {prompt}", r"'rubric' is unknown"),
    ("{quoted_prompt}", "{guideline} {prompt}", r"'guideline' is unknown"),
    ('role = "user"', 'role = "tool"', "role 'tool' is unknown"),
    ('content = "Is', 'text = "Is', "key 'text' is unknown"),
    ("[ask.prompt]", "[ask.promt]", "key 'promt' is unknown.*did you mean 'prompt'"),
    ('levels = ["Fine", "Bad"]', 'levels = ["Fine"]', "1 levels"),
    ('levels = ["Fine", "Bad"]', 'levels = "Fine"', "levels must be a list of texts"),
    ('levels = ["Fine", "Bad"]', 'levels = ["Unsafe", "Safe"]', "mildest first"),
    (
        'categories = ["fraud"]',
        'categories = ["fraud", "theft"]',
        "Give guidelines, a call for each of fraud, theft",
    ),
    ('yes = "Bad"', 'yes = "Worse"', "values 'Worse' is unknown"),
    ('values = { no = "Fine", yes = "Bad" }', "", "values is missing"),
    ("values = {", "cuts = [0.5]\nvalues = {", "key 'levels' is unknown"),
    (
        "values = {",
        'members = { froud = "x" }\nvalues = {',
        "members: key 'froud' is unknown.*'fraud'",
    ),
    ("[answer]", "[body]\nmodel = 'x'\n[answer]", "body: model is put in by riskshift"),
    ("[answer]", "[body]\nuser = '{prompt}'\n[answer]", "body: {placeholder} 'prompt' is unknown"),
    ("[answer]", "[body]\nsince = 2024-01-01\n[answer]", "dates"),
    ("[answer]", "[guidelines.prompt]\nfrau = 'x'\n[answer]", "no guideline for fraud"),
    ("[answer]", "[refusal]\nvalues = { Yes = 'no' }\n[answer]", "values 'no' is unknown"),
    ("[answer]", "[relevance]\n[answer]", "relevance needs both texts; declare"),
    ('version = "1"', 'version = "1"\nlongest = 100', "longest is for services"),
    ('version = "1"', 'version = "1"\nlongest = -1', "longest must be a whole number from 1"),
    (
        'parser = "yes-no"',
        'parser = "yes-no"\nignore = ["x"]',
        "ignore is for the parser json and lines",
    ),
    (
        "[answer]",
        "[guidelines.prompt]\nfraud = 'x'\n[answer]",
        "give guidelines of prompt, response, each",
    ),
    ("[ask.response]", "[ask.pair]", "nothing is graded|other side"),
    ("values = {", 'members = { fraud = ["a", "b"] }\nvalues = {', "members: fraud must be a text"),
    (
        "values = {",
        'members = { fraud = "fraud" }\nvalues = {',
        "yes-no has no member 'fraud' is unknown",
    ),
    ("values = {", 'other = "fraud"\nvalues = {', "key 'other' is unknown"),
    (
        "values = {",
        'verdict = "answer"\nnamed = "x"\nvalues = {',
        "named, codes and other go together",
    ),
    ("[severity]", "[severty]", "key 'severty' is unknown.*did you mean 'severity'"),
]


@pytest.mark.parametrize(("right", "wrong", "told"), WRONG)
def test_what_is_not_understood_is_named_with_its_place_and_the_choices(
    written, right, wrong, told
):
    assert right in PLAIN
    with pytest.raises(UsageError, match=rf"(?s)mine\.toml.*{told}") as fault:
        load(written(PLAIN.replace(right, wrong, 1)))
    assert "Traceback" not in str(fault.value)


def test_a_grader_that_gives_nothing_is_refused(written):
    with pytest.raises(UsageError, match="it gives nothing"):
        load(written(PAIR.replace('[relevance]\nmember = "relevance"', "")))


def test_a_grader_without_a_side_is_refused(written):
    with pytest.raises(UsageError, match="ask is missing"):
        load(written(re.sub(r"\[ask.*?\n\n", "", PAIR, flags=re.DOTALL)))


def test_a_response_is_not_graded_twice(written):
    pair = '[ask.pair]\nmessages = [{ role = "user", content = "{prompt}{response}" }]\n\n[answer]'
    with pytest.raises(UsageError, match="graded alone or together with its prompt"):
        load(written(PLAIN.replace("[answer]", pair)))


def test_a_prompt_of_which_nothing_is_read_is_not_asked(written):
    prompt = '[ask.prompt]\nmessages = [{ role = "user", content = "{prompt}" }]\n\n[answer]'
    with pytest.raises(UsageError, match="nothing is read of what is asked of the prompt"):
        load(written(PAIR.replace("[answer]", prompt)))


def test_a_schema_needs_values_for_each_category(written):
    text = source("nemotron-safety-guard").replace(
        'parser = "json"', 'parser = "json"\nschema = true'
    )
    with pytest.raises(UsageError, match="schema needs a member and values for each category"):
        load(written(text))


def test_a_guideline_a_call_may_be_answered_in_json_too(written):
    text = source("shieldgemma").replace('parser = "yes-no"\nbeginning = true', 'parser = "json"')
    grader = load(written(text))
    task = Task("prompt", "Hello")
    answers = [Answer(f'{{"{one.part}": "no"}}') for one in grader.requests(task)]
    assert set(grader.read(task, answers).labels.values()) == {"Safe"}
    mixed = [answers[1], *answers[1:]]
    assert grader.read(task, mixed).reason == asking.LACKING


def test_refusal_may_be_a_question_of_yes_or_no(written):
    text = PLAIN.replace(PLAIN[PLAIN.index("[ask.prompt]") : PLAIN.index("[ask.response]")], "")
    text = (
        text[: text.index("[severity]")]
        + '[refusal]\nvalues = { yes = "refused", no = "complied" }\n'
    )
    found = load(written(text)).read(
        Task("response", response="I would rather not."), [Answer("Yes")]
    )
    assert found == Graded({"refusal": "refused"})


def test_a_service_is_sent_one_text(written):
    text = PLAIN.replace('endpoint = "chat"', 'endpoint = "openai-moderation"')
    text = text.replace('parser = "yes-no"', 'parser = "openai-moderation"')
    with pytest.raises(UsageError, match="key 'messages' is unknown"):
        load(written(text))


@pytest.mark.parametrize(
    "cuts", ["[]", "[0.5, 0.2]", "[0.5, 0.5]", "[1]", "[1.5]", '["0.5"]', "0.5"]
)
def test_cuts_go_up_between_0_and_1(written, cuts):
    text = source("openai-moderation")
    with pytest.raises(UsageError, match="cuts must be a list of numbers between 0 and 1"):
        load(written(text.replace("cuts = [0.5]", f"cuts = {cuts}")))


def test_every_cut_stands_in_the_names_of_the_levels(written):
    text = source("openai-moderation").replace("cuts = [0.5]", "cuts = [0.2, 0.5, 0.9]")
    levels = load(written(text)).taxonomy.levels
    assert levels == ("under 0.2", "0.2 to 0.5", "0.5 to 0.9", "0.9 or more")


def test_one_verdict_does_not_speak_for_several_categories(written):
    text = source("wildguard").replace('categories = ["harm"]', 'categories = ["harm", "hate"]')
    with pytest.raises(UsageError, match="one verdict cannot speak for 2 categories"):
        load(written(text))


def test_codes_that_nobody_declared_change_nothing_and_safe_stands_alone(written):
    text = source("llama-guard-3")
    text = text[: text.index("[severity]")] + (
        '[severity]\ncategories = ["harm"]\nlevels = ["Safe", "Unsafe"]\n'
        'values = { safe = "Safe", unsafe = "Unsafe" }\n'
    )
    grader, task = load(written(text)), Task("prompt", "Hello")
    assert grader.read(task, [Answer("unsafe\nS1,S2")]) == Graded({"prompt_harm": "Unsafe"})
    for said in ("safe\nunsafe", "unsafe\nS1 and more", "unsafe\n\nS1\nS2"):
        assert grader.read(task, [Answer(said)]).reason == asking.UNPARSED


def test_numbers_may_stand_in_lines(written):
    text = PAIR.replace('parser = "json"', 'parser = "lines"')
    task = Task("pair", "Hello", "Hello")
    grader = load(written(text))
    assert grader.read(task, [Answer("Relevance: 3")]) == Graded(
        {"relevance": "3"}, saw_other_side=True
    )
    assert grader.read(task, [Answer("Relevance: 4")]).reason == asking.OUT_OF_RANGE
    assert grader.read(task, [Answer("Relevance: high")]).reason == asking.UNPARSED


def test_a_side_whose_verdict_nobody_names_is_refused(written):
    text = source("wildguard").replace(', pair = "Harmful response"', "")
    with pytest.raises(UsageError, match=r"severity.verdict does not say which member is for pair"):
        load(written(text))


def test_a_file_that_is_not_there_or_no_toml_is_named(written, tmp_path):
    with pytest.raises(FileError, match=r"none\.toml: cannot read the grader"):
        load(tmp_path / "none.toml")
    with pytest.raises(FileError, match=r"mine\.toml: cannot read the grader"):
        load(written("name = "))


def test_the_fingerprint_changes_with_what_can_change_a_label_and_with_nothing_else(written):
    before = load(written(PLAIN)).fingerprint
    same = [
        ('title = "a guard against fraud"', 'title = "another word for it"'),
        ('version = "1"', 'version = "1"\nabout = "It errs."\nlicence = "MIT"\nsource = "here"'),
        ("\n\n[answer]", "\n# a remark\n\n[answer]"),
    ]
    other = [
        ('version = "1"', 'version = "2"'),
        ("Is this fraud? {quoted_prompt}", "Is this a fraud? {quoted_prompt}"),
        ('yes = "Bad"', 'yes = "Fine"'),
        ('parser = "yes-no"', 'parser = "yes-no"\nbeginning = true'),
        ("[answer]", "[body]\nmax_tokens = 1\n[answer]"),
        ('endpoint = "chat"', 'endpoint = "chat"\nmodel = "acme/guard"'),
    ]
    for right, wrong in same:
        assert load(written(PLAIN.replace(right, wrong, 1))).fingerprint == before, wrong
    for right, wrong in other:
        assert load(written(PLAIN.replace(right, wrong, 1))).fingerprint != before, wrong
    assert re.fullmatch("[0-9a-f]{64}", before)


def test_the_fingerprint_changes_with_the_code_that_reads(written, monkeypatch):
    before = load(written(PLAIN)).fingerprint
    monkeypatch.setattr("riskshift.graders.declaration.CODE_VERSION", "other")
    assert load(written(PLAIN)).fingerprint != before


def test_no_two_shipped_graders_share_a_fingerprint():
    assert len({load(name).fingerprint for name in NAMES}) == len(NAMES)


def test_a_rubric_of_ones_own_replaces_the_built_in_one(written):
    grader = load("rubric", rubric=written(RUBRIC, "manners.toml"))
    assert grader.taxonomy.categories == ("manners",)
    assert grader.taxonomy.levels == ("Kind", "Rude")
    assert grader.facts.version == "1, rubric mild 2"
    asked = grader.requests(Task("prompt", "Hello"))[0].body
    assert "3 to 5 (Rude): Somebody is snubbed." in asked["messages"][0]["content"]
    assert "whole number, 1 to 5" in asked["messages"][0]["content"]
    found = grader.read(Task("prompt", "Hello"), [Answer('{"manners": 4}')])
    assert found == Graded({"prompt_manners": "Rude"}, {"prompt_manners": 4})
    assert grader.fingerprint != load("rubric").fingerprint


def test_a_rubric_is_looked_for_beside_the_file_that_names_it(written, monkeypatch, tmp_path):
    written(RUBRIC, "manners.toml")
    place = written(source("rubric").replace('rubric = "severity"', 'rubric = "manners.toml"'))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert load(place).taxonomy.categories == ("manners",)


def test_a_changed_word_of_a_rubric_is_another_fingerprint(written):
    one = load("rubric", rubric=written(RUBRIC, "one.toml")).fingerprint
    two = load("rubric", rubric=written(RUBRIC.replace("snubbed", "mocked"), "two.toml"))
    assert two.fingerprint != one


def test_a_guard_with_categories_of_its_own_takes_no_rubric(written):
    with pytest.raises(UsageError, match="takes no rubric: its categories are its own"):
        load("llama-guard-3", rubric=written(RUBRIC))


def spots(value, path=()):
    """Yield the way to every value within plain data."""
    held = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in held:
        yield (*path, key)
        if isinstance(inner, dict | list):
            yield from spots(inner, (*path, key))


ODD = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.lists(st.integers())
)
ODD |= st.dictionaries(st.text(max_size=3), st.integers(), max_size=2)


@pytest.mark.parametrize("name", NAMES)
@given(data=st.data())
def test_whatever_stands_in_a_file_it_is_a_grader_or_one_message(name, data):
    told = tomllib.loads(source(name))
    *way, last = data.draw(st.sampled_from(list(spots(told))))
    inner = told
    for key in way:
        inner = inner[key]
    if data.draw(st.booleans()):
        inner[last] = data.draw(ODD)
    else:
        del inner[last]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("riskshift.graders.declaration.read_toml", lambda path, what: told)
        with suppress(RiskshiftError):
            grader = load("mine.toml")
            for side in grader.facts.sides:
                assert grader.requests(Task(side, "Hello", "Hello"))
