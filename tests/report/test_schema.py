"""The schema that ships is the one that the classes make."""

from importlib.resources import files

import pytest

from riskshift.analysis.grader.cards import Measure
from riskshift.analysis.plan.result import Plan
from riskshift.analysis.rates import Rate
from riskshift.report.laws import LAWS
from riskshift.report.schema import build, text, told


@pytest.fixture(scope="module")
def schema():
    return build()


def test_the_file_is_what_the_classes_make():
    held = files("riskshift.report").joinpath("results.schema.json").read_text(encoding="utf-8")
    assert held == text(), "The classes have changed: make schema"


def test_descriptions_are_those_of_the_classes(schema):
    described = schema["$defs"]["rate"]["properties"]
    assert described["effective_n"]["description"] == (
        "Independent records that would tell as much; null where every record stands alone."
    )
    assert described["basis"]["description"] == "Which records the estimate is from, in words."


def test_ends_say_of_what_they_are():
    assert told(Rate, ("interval", "low")).startswith("Lower end. null where there are no trials")
    assert told(Rate, ("worst_case", "1")).startswith("Upper end. The lowest and highest share")
    assert (
        told(Measure, ("held", "reason")) == "Why, in plain words; null where there is an interval."
    )


def test_what_no_class_describes_is_refused():
    with pytest.raises(TypeError, match="Plan does not say what its weather is"):
        told(Plan, ("weather",))


def test_every_law_is_about_something(schema):
    names = set(schema["$defs"]) | {"analysis_results"}
    assert set(LAWS) <= names
    for name in set(LAWS) - {"analysis_results"}:
        assert set(LAWS[name].get("properties", {})) <= set(schema["$defs"][name]["properties"])


def test_every_reference_leads_somewhere(schema):
    found = set()

    def walk(node):
        if isinstance(node, dict):
            found.update([node["$ref"]] if "$ref" in node else [])
            for inner in node.values():
                walk(inner)
        elif isinstance(node, list):
            for inner in node:
                walk(inner)

    walk(schema)
    assert len(found) > 40
    assert {ref.removeprefix("#/$defs/") for ref in found} <= set(schema["$defs"])
