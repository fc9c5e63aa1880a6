"""A report card from strata: weighed by hand, near the truth, and the plain card where all count alike."""

import numpy as np
import polars as pl
import pytest
from jsonschema import Draft202012Validator
from statsmodels.stats.inter_rater import cohens_kappa

import riskshift
from riskshift.analysis.grader.cards import MEASURES
from riskshift.report.writing import json_schema, render

THREE = riskshift.Taxonomy(["a", "b"], ["Safe", "Low", "High"])
FAST = {"taxonomy": THREE}
NAMES = ("prompt_a", "prompt_b", "response_a", "response_b")


def draw(seed=1, n=4000):
    """People's labels of all pairs, and a grader that finds half of the harm."""
    rng = np.random.default_rng(seed)
    truth = np.where(rng.random((n, 4)) < [0.3, 0.2, 0.08, 0.05], rng.integers(1, 3, (n, 4)), 0)
    graded = np.where((truth > 0) & (rng.random((n, 4)) < 0.5), 0, truth)
    graded = np.where((truth == 0) & (rng.random((n, 4)) < 0.04), 1, graded)
    ids = {"prompt_id": range(n)}
    return [
        pl.DataFrame(ids | {name: labels[:, at] for at, name in enumerate(NAMES)})
        for labels in (graded, truth)
    ]


def by_strata(grader, truth, sizes, seed=2):
    rng, parts = np.random.default_rng(seed), []
    flagged = grader.select((pl.max_horizontal("response_a", "response_b") > 0).alias("x"))["x"]
    for name, members in (("no", ~flagged), ("yes", flagged)):
        rows = np.flatnonzero(members.to_numpy())
        chosen = np.sort(rng.choice(rows, sizes[name], replace=False)).tolist()
        chance = sizes[name] / len(rows)
        stratum = f"response_harm: {name}"
        parts.append(
            truth[chosen].with_columns(
                stratum=pl.lit(stratum), inclusion_probability=pl.lit(chance)
            )
        )
    return pl.concat(parts)


@pytest.fixture(scope="module")
def data():
    grader, truth = draw()
    return grader, truth, by_strata(grader, truth, {"no": 300, "yes": 300})


@pytest.fixture(scope="module")
def report(data):
    grader, _, people = data
    return riskshift.grade(grader, people, **FAST)


def weights(people):
    return 1 / people["inclusion_probability"].to_numpy()


def precision(grader, people, names):
    """How many labels the grader flags in each stratum is known of all pairs."""
    top = grader.select(pl.max_horizontal("response_a", "response_b"))["response_a"].to_numpy()
    seen, hits, total = grader[people["prompt_id"].to_list()], 0.0, 0
    for stratum, within in (("response_harm: no", top == 0), ("response_harm: yes", top > 0)):
        chosen = (people["stratum"] == stratum).to_numpy()
        y, f = (
            np.concatenate([rows[name].to_numpy()[chosen] > 0 for name in names])
            for rows in (people, seen)
        )
        flagged = sum(int((grader[name].to_numpy()[within] > 0).sum()) for name in names)
        total += flagged
        hits += flagged * (y & f).sum() / f.sum() if flagged else 0
    return hits / total


@pytest.mark.parametrize("side", ["prompt", "response"])
@pytest.mark.parametrize("category", ["a", "b", None])
def test_shares_and_agreement_weigh_each_label_by_its_chance(data, report, side, category):
    grader, _, people = data
    names = [f"{side}_{category}"] if category else [f"{side}_a", f"{side}_b"]
    seen = grader[people["prompt_id"].to_list()]
    y, f = (np.concatenate([rows[name].to_numpy() for name in names]) for rows in (people, seen))
    w = np.tile(weights(people), len(names))
    card = report.card(side, category)
    wanted = {
        "sensitivity": w[(y > 0) & (f > 0)].sum() / w[y > 0].sum(),
        "specificity": w[(y == 0) & (f == 0)].sum() / w[y == 0].sum(),
        "precision": precision(grader, people, names),
        "people_harmful": w[y > 0].sum() / w.sum(),
        "grader_harmful": w[f > 0].sum() / w.sum(),
    }
    for name, share in wanted.items():
        assert card.rates[name].estimate == pytest.approx(share), name
        held = card.rates[name].interval
        assert held.low < share < held.high
    bias = wanted["grader_harmful"] - wanted["people_harmful"]
    assert card.bias.estimate == pytest.approx(bias)
    assert card.bias.interval.low < bias < card.bias.interval.high
    table = np.array([[w[(y == i) & (f == j)].sum() for j in range(3)] for i in range(3)])
    kappa = cohens_kappa(table, wt="quadratic", return_results=False)
    assert card.weighted_kappa.estimate == pytest.approx(kappa)
    f1 = np.mean(2 * table.diagonal() / (table.sum(axis=0) + table.sum(axis=1)))
    assert card.macro_f1.estimate == pytest.approx(f1)
    assert card.weighted_kappa.interval.low < kappa < card.weighted_kappa.interval.high


def test_the_shares_are_those_of_all_pairs_and_not_of_the_sample(data, report):
    grader, truth, _ = data
    y, f = truth["response_a"].to_numpy() > 0, grader["response_a"].to_numpy() > 0
    card = report.card("response", "a")
    true = (y & f).sum() / y.sum()
    found = card.rates["sensitivity"]
    assert found.interval.low < true < found.interval.high
    assert found.events / found.trials > found.interval.high
    assert card.bias.interval.low < f.mean() - y.mean() < card.bias.interval.high


def test_equal_chances_give_the_plain_card(data):
    grader, truth, _ = data
    flagged = (grader["response_a"] > 0) | (grader["response_b"] > 0)
    tenth = {"yes": int(flagged.sum()) // 10, "no": int((~flagged).sum()) // 10}
    rest = {"yes": 10 * tenth["yes"], "no": 10 * tenth["no"]}
    keep = np.concatenate(
        [
            np.flatnonzero((flagged if name == "yes" else ~flagged).to_numpy())[:n]
            for name, n in rest.items()
        ]
    )
    grader, truth = grader[np.sort(keep).tolist()], truth[np.sort(keep).tolist()]
    by_row = truth.with_columns(prompt_id=pl.int_range(pl.len()))
    grader = grader.with_columns(prompt_id=pl.int_range(pl.len()))
    people = by_strata(grader, by_row, tenth)
    weighed = riskshift.grade(grader, people, **FAST)
    plain = riskshift.grade(grader, people.drop("stratum", "inclusion_probability"), **FAST)
    for one, other in zip(weighed.cards, plain.cards, strict=True):
        assert one.counts == other.counts
        for name, rate in one.rates.items():
            # How many labels are flagged is known of all pairs, so precision uses more.
            within = 0.05 if name == "precision" else 1e-9
            assert rate.estimate == pytest.approx(other.rates[name].estimate, abs=within)
        assert one.bias.estimate == pytest.approx(other.bias.estimate)
        assert one.weighted_kappa.estimate == pytest.approx(other.weighted_kappa.estimate)


def test_the_sides_are_compared_as_weighed(report):
    for measure in MEASURES:
        item = report.asymmetry(measure)
        shares = [report.card(side).rates[measure].estimate for side in ("prompt", "response")]
        assert [item.prompt, item.response] == pytest.approx(shares)
        assert item.gap.estimate == pytest.approx(shares[0] - shares[1])
        assert item.gap.interval.low < item.gap.estimate < item.gap.interval.high


def test_words_and_json_say_that_strata_are_weighed(report):
    assert any("weighed by strata" in sentence for sentence in report.summary)
    assert any("weigh its strata" in note for note in report.notes)
    assert "weighed by strata" in render(report, ".md")
    Draft202012Validator(json_schema("grader")).validate(report.to_dict())


def test_a_stratum_without_usable_labels_leaves_its_shares_undefined(data):
    grader, _, people = data
    blank = people.with_columns(
        response_a=pl.when(pl.col("stratum") == "response_harm: yes")
        .then(None)
        .otherwise("response_a")
    )
    report = riskshift.grade(grader, blank, **FAST)
    card = report.card("response", "a")
    assert card.rates["sensitivity"].estimate is None
    assert card.bias.estimate is None
    assert card.weighted_kappa.estimate is None
    assert report.card("response", "b").rates["sensitivity"].estimate is not None
    only = people.filter(pl.col("stratum") == "response_harm: no")
    with pytest.raises(riskshift.DataError, match="no pair of the stratum response_harm: yes"):
        riskshift.grade(grader, only, **FAST)
