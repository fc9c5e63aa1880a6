"""results.json keeps its contract: the schema that ships with the package."""

import copy
import json
from importlib.resources import files

import pytest
from jsonschema import Draft202012Validator

from riskshift.analysis.metrics import CATEGORY, OVERALL
from riskshift.report.writing import json_schema, to_json

# The keys that are promised, whatever else is added.
PROMISED = {
    "$": "schema_version riskshift_version engine data_hash timing seed confidence taxonomy records "
    "clusters overall categories contrasts escalation_origin relevance groups cases",
    "taxonomy": "categories levels harmful_from",
    "records": "read analyzed left_out",
    "clusters": "column count repeated",
    "rate": "events trials estimate low high method confidence deff effective_n cluster_bootstrap "
    "worst_case",
    "mean_shift": "estimate low high",
    "category": "persistence drift_rate transition_matrix from_persistence from_drift",
    "told_contrast": "metric a b difference low high simultaneous_low simultaneous_high enough",
    "origin": "events of_escalations of_records",
    "escalation_origin": "unsolicited_elaboration compliance_escalation topic_mandated "
    "landing_severity",
    "relevance": "by_response_severity by_harmful_response_category by_prompt_category quadrants "
    "tests",
    "association_test": "name test statistic df df_denominator p p_asymptotic p_holm cramers_v "
    "cramers_v_corrected gamma unbounded",
    "population": "overall categories escalation_origin",
    "case": "prompt_id model prompt response origin",
}


@pytest.fixture(scope="module")
def schema():
    return json_schema()


def schemas(node):
    """Every schema inside a schema that describes a value."""
    if isinstance(node, dict):
        if "type" in node or "properties" in node:
            yield node
        for child in node.values():
            yield from schemas(child)
    elif isinstance(node, list):
        for child in node:
            yield from schemas(child)


def test_schema_is_a_schema_and_ships_with_the_package(schema):
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert files("riskshift.report").joinpath("results.schema.json").is_file()


@pytest.mark.parametrize("place", PROMISED)
def test_promised_keys_are_required(schema, place):
    found = ({"$": schema} | schema["properties"] | schema["$defs"])[place]
    assert set(PROMISED[place].split()) <= set(found["required"])


def test_schema_describes_every_metric_by_its_meaning(schema):
    for name, metrics in (("overall", OVERALL), ("category", CATEGORY)):
        described = (schema["properties"] | schema["$defs"])[name]["properties"]
        for metric in metrics:
            assert described[metric.name]["description"].startswith(metric.meaning)
            assert (
                f"{metric.event_formula} | {metric.given_formula}"
                in (described[metric.name]["description"])
            )


def test_every_object_is_closed_and_says_what_it_is(schema):
    objects = [node for node in schemas(schema) if node.get("type") == "object"]
    assert len(objects) > 20
    for node in objects:
        assert "additionalProperties" in node or "maxProperties" in node
        assert "description" in node or "maxProperties" in node
    for name, node in schema["$defs"].items():
        assert node["description"], name


def test_results_meet_the_schema(schema, any_result):
    Draft202012Validator(schema).validate(json.loads(to_json(any_result)))


def test_results_are_strict_json(any_result):
    text = json.dumps(any_result.to_dict(), allow_nan=False)
    assert json.loads(text) == any_result.to_dict()
    assert to_json(any_result).endswith("}\n")


def test_groups_are_the_same_object_as_the_whole(public_pairs):
    found = public_pairs.to_dict()
    for group in found["groups"]["model"].values():
        assert set(group) <= set(found)
        assert set(group["overall"]) == set(found["overall"])
        assert group["records"] == 600


def damaged(found, *path, value):
    other = copy.deepcopy(found)
    place = other
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return other


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("overall", "escalation", "estimate"), None),
        (("overall", "escalation", "estimate"), 1.2),
        (("overall", "escalation", "method"), "undefined"),
        (("overall", "escalation", "events"), -1),
        (("overall", "escalation", "odd"), 1),
        (("overall", "odd"), {}),
        (("categories", "hate", "persistence", "trials"), 0),
        (("contrasts", 0, "bootstrap"), {}),
        (("escalation_origin", "landing_severity", "0"), 1),
        (("relevance", "tests", 0, "p"), 2),
        (("cases", 0, "prompt_text"), "text does not belong here"),
        (("data_hash",), "abc"),
        (("schema_version",), 2),
    ],
)
def test_schema_refuses_what_breaks_the_contract(schema, corpus, path, value):
    validator = Draft202012Validator(schema)
    assert validator.is_valid(corpus.to_dict())
    assert not validator.is_valid(damaged(corpus.to_dict(), *path, value=value))


def test_undefined_is_null(any_result):
    for population in (any_result.to_dict(), *groups(any_result)):
        for rate in rates(population):
            if rate["trials"] == 0:
                assert rate["method"] == "undefined"
                assert {rate[name] for name in ("estimate", "low", "high", "deff")} == {None}
            else:
                share = rate["events"] / rate["trials"]
                worst = rate["worst_case"] or {"low": share, "high": share}
                assert worst["low"] <= rate["estimate"] <= worst["high"]
                if rate["basis"] in ("all records", "complete records"):
                    assert rate["estimate"] == pytest.approx(share)


def groups(result):
    for values in result.to_dict()["groups"].values():
        yield from values.values()


def rates(node):
    if isinstance(node, dict):
        if "trials" in node and "deff" in node:
            yield node
        else:
            for child in node.values():
                yield from rates(child)
    elif isinstance(node, list):
        for child in node:
            yield from rates(child)
