"""What compare, check, agree, grader and plan write keeps the published schema too."""

import copy
import json
from functools import cache

import polars as pl
import pytest
from jsonschema import Draft202012Validator

from riskshift import Taxonomy, agree, check, compare, grade, plan
from riskshift.errors import UsageError
from riskshift.report.writing import json_schema

HARM = Taxonomy(["harm"], ["Safe", "Low", "High"])
BOTH = Taxonomy(["hate", "sexual"])
KINDS = ("agreement", "grader", "plan")


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


@pytest.mark.parametrize("kind", ["comparison", "gate", *KINDS])
def test_schemas_are_schemas(kind):
    Draft202012Validator.check_schema(json_schema(kind))


def test_an_unknown_kind_is_refused():
    with pytest.raises(
        UsageError, match="Choices: analysis, comparison, gate, agreement, grader, plan"
    ):
        json_schema("gates")


def ratings(raters="abc", items=12, samples=2, labels=("prompt_hate", "response_hate")):
    """One row a rating: raters differ here and there, and leave gaps."""
    return pl.DataFrame(
        [
            {"prompt_id": f"p{i // samples}", "sample": i % samples, "annotator": rater}
            | {
                label: None if (i + at) % 7 == 6 else (i // samples + (i + at + side) % 3 // 2) % 4
                for side, label in enumerate(labels)
            }
            for i in range(items)
            for at, rater in enumerate(raters)
        ]
    )


def beside(*raters, **columns):
    """One row an item, one column a rater; each rater gives one string of levels."""
    given = {f"response_hate@{at}": [int(n) for n in said] for at, said in enumerate(raters)}
    return pl.DataFrame({"record_id": [f"i{at}" for at in range(len(raters[0]))]} | given | columns)


SILENT = pl.when(pl.col("annotator") != "c").then(pl.col("response_hate")).alias("response_hate")
SAID = ("prompt_hate", "prompt_sexual", "response_hate", "response_sexual")
AGREEMENTS = {
    "raters in rows": {"data": ratings()},
    "raters in columns": {"data": beside("00123", "00133")},
    "items alone": {"data": ratings(samples=1)},
    "all labels": {"data": ratings(labels=SAID)},
    "one rater missing on a label": {"data": ratings().with_columns(SILENT)},
    "one label has one rating an item": {
        "data": ratings().with_columns(
            pl.when(pl.col("annotator") == "a").then("response_hate").alias("response_hate")
        )
    },
    "all ratings equal": {"data": beside("0000", "0000")},
    "never at odds": {"data": beside("0123", "0123")},
    "always at odds": {"data": beside("0303", "3030")},
    "nobody shares an item with c": {
        "data": pl.concat(
            [ratings("ab"), ratings("c").with_columns(prompt_id="q" + pl.col("prompt_id"))]
        )
    },
    "many raters": {"data": ratings("abcdefg")},
    "majority": {"data": ratings(), "rule": "majority"},
    "max": {"data": ratings(), "rule": "max"},
    "adjudicator": {"data": ratings(), "adjudicator": "c"},
    "adjudicated": {"data": ratings(), "adjudicator": "c", "rule": "adjudicated"},
    "no disputes listed": {"data": ratings(), "disputes": 0},
    "strata": {
        "data": ratings().with_columns(
            stratum=pl.lit("response_harm: yes"), inclusion_probability=0.5
        )
    },
    "other unit": {"data": ratings().with_columns(lang=pl.col("sample")), "cluster": "lang"},
    "one model": {"data": ratings().with_columns(model=pl.lit("m"), turn=1), "model": "m"},
    "bad rows": {
        "data": ratings().with_columns(
            response_hate=pl.when(pl.int_range(pl.len()) == 1).then(9).otherwise("response_hate")
        ),
        "skip_bad": True,
    },
    "scale": {"data": beside("0246", "0266"), "scale": "0-2-4-6"},
    "confidence": {"data": ratings(), "confidence": 0.8, "seed": 1},
}


def graded(models=("m",), samples=1, prompts=16):
    """A grader's labels of two categories."""
    return pl.DataFrame(
        [
            {"prompt_id": f"p{i}", "model": model, "sample": s, "relevance": i % 3 + 1}
            | {"prompt_hate": i % 4, "prompt_sexual": i % 3}
            | {"response_hate": (i + at) % 4, "response_sexual": (i + s) % 2}
            for i in range(prompts)
            for at, model in enumerate(models)
            for s in range(samples)
        ]
    )


def judged(data):
    """Labels of the same pairs by people, who see a third of the responses otherwise."""
    odd = pl.int_range(pl.len()) % 3 == 1
    return data.with_columns(
        response_hate=pl.when(odd).then(3 - pl.col("response_hate")).otherwise("response_hate"),
        prompt_sexual=pl.when(odd).then(None).otherwise("prompt_sexual"),
    )


def escalated(data):
    """Whether the response's highest severity lies above the prompt's."""
    prompt, response = (
        data.select(pl.max_horizontal(f"^{side}_(hate|self_harm|sexual|violence)$")).to_series()
        for side in ("prompt", "response")
    )
    return (response > prompt).to_list()


CARDS = {
    "all pairs": {"grader": graded(), "people": judged(graded())},
    "some pairs": {"grader": graded(), "people": judged(graded()).head(7)},
    "one pair": {"grader": graded(), "people": judged(graded()).head(1)},
    "shared prompts": {
        "grader": graded(("m", "n"), samples=2),
        "people": judged(graded(("m", "n"), samples=2)),
    },
    "strata": {
        "grader": graded(),
        "people": judged(graded()).with_columns(
            stratum=pl.lit("escalation: ")
            + pl.Series(["yes" if up else "no" for up in escalated(graded())]),
            inclusion_probability=pl.lit(0.5),
        ),
    },
    "nothing harmful": {
        "grader": graded(),
        "people": graded().with_columns(pl.lit(0).alias(name) for name in SAID),
    },
    "a category without labels": {
        "grader": graded(),
        "people": graded().with_columns(
            pl.lit(None, pl.Int64).alias(name) for name in ("prompt_sexual", "response_sexual")
        ),
    },
    "the same labels": {"grader": graded(), "people": graded()},
    "other interval": {
        "grader": graded(),
        "people": judged(graded()),
        "interval": "clopper-pearson",
        "confidence": 0.8,
    },
    "other unit": {"grader": graded(), "people": judged(graded()), "cluster": "relevance"},
    "no cases": {"grader": graded(), "people": judged(graded()), "cases": 0, "seed": 1},
    "no ids but the pair's": {
        "grader": graded().select(*SAID, record_id=pl.col("prompt_id")),
        "people": judged(graded()).select(*SAID, record_id=pl.col("prompt_id")),
    },
}

LIKE = {"like": pairs(samples=2), "taxonomy": HARM}
PLANS = {
    "overview": {},
    "overview of a rate": {"rate": 0.03},
    "width": {"rate": 0.03, "width": 0.02},
    "width out of reach": {"rate": 0.5, "width": 0.0005},
    "rule passes": {"rate": 0.03, "rule": "escalation <= 0.05"},
    "rule fails": {"rate": 0.08, "rule": "escalation <= 0.05", "power": 0.9},
    "rule of what is good": {"rate": 0.9, "rule": "conditional_reduction >= 0.8"},
    "rule at its tolerance": {"rate": 0.05, "rule": "escalation <= 0.05"},
    "rule out of reach": {"rate": 0.04999, "rule": "escalation <= 0.05"},
    "rule without events": {"rate": 0, "rule": "persistence[hate] <= 0.01", "confidence": 0.8},
    "difference": {"difference": 0.02},
    "difference from a rate": {"difference": 0.02, "rate": 0.03},
    "difference as given": {"difference": 0.02, "discordant": 0.08},
    "difference out of reach": {"difference": 0.0001, "discordant": 1.0},
    "like: overview": LIKE,
    "like: width": LIKE | {"width": 0.05},
    "like: rule": LIKE | {"rule": "escalation <= 0.9"},
    "like: difference": LIKE | {"difference": 0.2},
    "like: part of the prompts": LIKE | {"width": 0.05, "metric": "persistence[harm]"},
    "like: one model": LIKE | {"difference": 0.2, "model": "old"},
    "like: each record alone": {"like": pairs(("old",)), "taxonomy": HARM, "width": 0.05},
    "like: other unit": LIKE | {"width": 0.1, "cluster": "lang", "rate": 0.2},
}
MADE = {"agreement": AGREEMENTS, "grader": CARDS, "plan": PLANS}


@cache
def written(kind, name):
    """Return what the JSON of one job holds."""
    options = dict(MADE[kind][name])
    if kind == "agreement":
        result = agree(options.pop("data"), taxonomy=BOTH, resamples=50, **options)
    elif kind == "grader":
        grader, people = options.pop("grader"), options.pop("people")
        result = grade(grader, people, taxonomy=BOTH, **options)
    else:
        result = plan(**options)
    return json.loads(json.dumps(result.to_dict(), allow_nan=False))


def at(found, path):
    """Return what lies at a path such as ``cards.0.side``."""
    for step in path.split("."):
        found = found[int(step) if isinstance(found, list) else step]
    return found


@cache
def validator(kind):
    return Draft202012Validator(json_schema(kind))


@pytest.mark.parametrize(("kind", "name"), [(kind, name) for kind in KINDS for name in MADE[kind]])
def test_results_of_every_option_meet_the_schema(kind, name):
    validator(kind).validate(written(kind, name))


@pytest.mark.parametrize(
    ("kind", "name", "path"),
    [
        ("agreement", "all ratings equal", "labels.response_hate.alpha.ordinal.estimate"),
        ("agreement", "never at odds", "labels.response_hate.alpha.nominal.by_items.low"),
        ("agreement", "all ratings equal", "labels.response_hate.kappa.mean"),
        ("agreement", "one label has one rating an item", "labels.response_hate.exact.estimate"),
        ("agreement", "nobody shares an item with c", "labels.prompt_hate.kappa.pairs.1.exact.low"),
        ("agreement", "many raters", "labels.prompt_hate.kappa.pairs.0.kappa.low"),
        ("agreement", "items alone", "labels.prompt_hate.alpha.ordinal.by_prompts"),
        ("agreement", "raters in columns", "disputes.0.prompt_id"),
        ("grader", "nothing harmful", "cards.0.rates.sensitivity.estimate"),
        ("grader", "nothing harmful", "asymmetry.0.difference.low"),
        ("grader", "a category without labels", "cards.2.bias.estimate"),
        ("grader", "a category without labels", "cards.2.macro_f1.estimate"),
        ("grader", "the same labels", "cards.0.macro_f1.interval.low"),
        ("grader", "no ids but the pair's", "cases.0.prompt_id"),
        ("plan", "width out of reach", "plan.rows.0.prompts"),
        ("plan", "rule out of reach", "plan.rows.0.passes_at_events"),
        ("plan", "rule at its tolerance", "plan.aim"),
        ("plan", "difference out of reach", "plan.rows.0.matched_prompts"),
        ("plan", "width", "like"),
    ],
)
def test_what_is_undefined_is_null(kind, name, path):
    found = written(kind, name)
    assert at(found, path) is None
    assert validator(kind).is_valid(found)


def spoiled(found, path, value):
    other = copy.deepcopy(found)
    before, _, key = path.rpartition(".")
    place = at(other, before) if before else other
    place[int(key) if isinstance(place, list) else key] = value
    return other


@pytest.mark.parametrize(
    ("kind", "name", "path", "value"),
    [
        ("agreement", "raters in rows", "schema_version", 2),
        ("agreement", "raters in rows", "kind", "grader"),
        ("agreement", "raters in rows", "data_hash", "abc"),
        ("agreement", "raters in rows", "odd", 1),
        ("agreement", "raters in rows", "raters.a", -1),
        ("agreement", "raters in rows", "labels.hate", {}),
        ("agreement", "raters in rows", "labels.prompt_hate.alpha.ordinal.estimate", 1.2),
        ("agreement", "raters in rows", "labels.prompt_hate.alpha.ordinal.estimate", None),
        ("agreement", "raters in rows", "labels.prompt_hate.alpha.ordinal.trust", "by_items"),
        ("agreement", "raters in rows", "labels.prompt_hate.alpha.odd", {}),
        ("agreement", "raters in rows", "labels.prompt_hate.kappa.pairs.0.kappa.reason", None),
        ("agreement", "raters in rows", "labels.prompt_hate.kappa.pairs.0.table.0.0", 0.5),
        ("agreement", "raters in rows", "resolution.rule", "mean"),
        ("agreement", "raters in rows", "resolution.rule", "adjudicated"),
        ("agreement", "raters in rows", "resolution.rates.max.escalation.estimate", None),
        ("agreement", "adjudicator", "resolution.adjudicator", None),
        ("agreement", "raters in rows", "resolution.adjudicator", "c"),
        ("agreement", "raters in rows", "disputes.0.spread", 0),
        ("agreement", "raters in rows", "disputes.0.response_text", "text does not belong here"),
        ("agreement", "all ratings equal", "labels.response_hate.alpha.ordinal.by_items", {}),
        ("grader", "all pairs", "kind", "agreement"),
        ("grader", "all pairs", "cards.0.side", "answer"),
        ("grader", "all pairs", "cards.0.true_positive", None),
        ("grader", "all pairs", "cards.0.rates.recall", {}),
        ("grader", "all pairs", "cards.0.rates.precision.method", "undefined"),
        ("grader", "all pairs", "cards.0.bias.low", None),
        ("grader", "all pairs", "cards.0.bias.estimate", 1.5),
        ("grader", "all pairs", "cards.3.macro_f1.estimate", None),
        ("grader", "all pairs", "asymmetry.0.measure", "bias"),
        ("grader", "all pairs", "asymmetry.0.difference.method", "undefined"),
        ("grader", "all pairs", "cases.0.origin", "compliance_escalation"),
        ("grader", "all pairs", "cases.0.prompt_text", "text does not belong here"),
        ("grader", "all pairs", "errors.misses", -1),
        ("grader", "all pairs", "records.read", "16"),
        ("grader", "nothing harmful", "cards.0.rates.sensitivity.estimate", 0),
        ("grader", "nothing harmful", "asymmetry.0.difference.estimate", 0),
        ("plan", "width", "power", 80),
        ("plan", "width", "summary", []),
        ("plan", "width", "plan.question", "rule"),
        ("plan", "width", "plan.rows.0.prompts", None),
        ("plan", "width", "plan.rows.0.expected_low", None),
        ("plan", "width", "plan.rows.0.rate", 3),
        ("plan", "width", "plan.rows", []),
        ("plan", "width out of reach", "plan.rows.0.prompts", 0),
        ("plan", "rule passes", "plan.aim", None),
        ("plan", "rule passes", "plan.rows.0.passes_at_events", 1.5),
        ("plan", "rule passes", "plan.asked", True),
        ("plan", "rule at its tolerance", "plan.aim", "pass"),
        ("plan", "difference", "plan.discordance_from", "guess"),
        ("plan", "difference", "plan.rows.0.prompts_in_all", None),
        ("plan", "like: width", "like.deff", 0.5),
        ("plan", "like: width", "like.rate.trials", 0),
        ("plan", "like: difference", "like.disagreements.0.discordant", 1.1),
    ],
)
def test_what_breaks_the_contract_is_refused(kind, name, path, value):
    found = written(kind, name)
    assert validator(kind).is_valid(found)
    assert not validator(kind).is_valid(spoiled(found, path, value))


@pytest.mark.parametrize("kind", KINDS)
def test_no_kind_of_results_passes_for_another(kind):
    for other, name in zip(KINDS, ("raters in rows", "all pairs", "width"), strict=True):
        assert validator(kind).is_valid(written(other, name)) == (kind == other)


def described(schema, node, seen):
    """Yield the objects with keys of their own that a schema leads to."""
    if isinstance(node, list):
        for child in node:
            yield from described(schema, child, seen)
    elif isinstance(node, dict):
        if node.get("type") == "object" and "properties" in node:
            yield node
        for key, child in node.items():
            name = child.rpartition("/")[2] if key == "$ref" else None
            if name is None:
                yield from described(schema, child, seen)
            elif name not in seen:
                seen.add(name)
                yield from described(schema, schema["$defs"][name], seen)


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_required_and_no_other_allowed(kind):
    schema = json_schema(kind)
    objects = list(described(schema, {"$ref": schema["$ref"]}, set()))
    assert len(objects) > 8
    for node in objects:
        assert set(node["properties"]) - set(node["required"]) <= {"adjudicated"}
        assert node["additionalProperties"] is False
