"""What compare and check write keeps the published schema too."""

import json

import polars as pl
import pytest
from jsonschema import Draft202012Validator

from riskshift import Taxonomy, check, compare
from riskshift.errors import UsageError
from riskshift.report.writing import json_schema

HARM = Taxonomy(["harm"], ["Safe", "Low", "High"])


def pairs(models=("old", "new", "third"), samples=1, groups=("x", "y")):
    return pl.DataFrame(
        [
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
    )


COMPARISONS = {
    "plain": {"data": pairs(), "baseline": "old"},
    "all pairs": {"data": pairs()},
    "samples": {"data": pairs(samples=2), "baseline": "old"},
    "mix and groups": {"data": pairs(), "baseline": "old", "standardize": "pooled", "by": "lang"},
    "nothing in the denominator": {"data": pairs().with_columns(prompt_harm=0), "baseline": "old"},
    "people": {"data": pairs(), "baseline": "old", "people": pairs().filter(pl.col("lang") == "x")},
}


@pytest.mark.parametrize("name", COMPARISONS)
def test_comparisons_meet_the_schema(name):
    options = dict(COMPARISONS[name])
    found = compare(options.pop("data"), taxonomy=HARM, **options).to_dict()
    Draft202012Validator(json_schema("comparison")).validate(
        json.loads(json.dumps(found, allow_nan=False))
    )


@pytest.mark.parametrize(
    ("rules", "options"),
    [
        (["escalation <= 0.5", "reduction >= 0.1"], {"model": "new"}),
        (["persistence <= 0.9 by model"], {}),
        (
            ["response_harm - baseline <= 0.1"],
            {"model": "new", "baseline": pairs(("new",)).with_columns(response_harm=0)},
        ),
        (["response_harm <= 0.9"], {"model": "new", "people": pairs(("new",))}),
    ],
)
def test_gates_meet_the_schema(rules, options):
    found = check(pairs(), rules, taxonomy=HARM, **options).to_dict()
    Draft202012Validator(json_schema("gate")).validate(
        json.loads(json.dumps(found, allow_nan=False))
    )


@pytest.mark.parametrize("kind", ["comparison", "gate"])
def test_schemas_are_schemas(kind):
    Draft202012Validator.check_schema(json_schema(kind))


def test_an_unknown_kind_is_refused():
    with pytest.raises(UsageError, match="Choices: analysis, comparison, gate"):
        json_schema("gates")
