"""Corrected rates: the same as by hand, honest about samples, and never blind to what is missing."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import riskshift
from riskshift.analysis.correction.rates import correct
from riskshift.analysis.correction.sample import FEW_LABELS, people_sample
from riskshift.analysis.metrics import category_metrics, overall_metrics
from riskshift.analysis.rates import Settings
from riskshift.collapse.pairs import collapse
from riskshift.collapse.rated.beside import double, drawing_of
from riskshift.report.writing import json_schema, render
from riskshift.stats.graded.correction import ppi_rate
from riskshift.stats.graded.strata import stratified_rate
from riskshift.stats.misclassification import rogan_gladen
from riskshift.stats.proportion import wilson

TWO = riskshift.Taxonomy(["harm"], ["Safe", "Harmful"])
THREE = riskshift.Taxonomy(["a", "b"], ["Safe", "Low", "High"])
SIDES = ("prompt_harm", "response_harm")
FAST = {"resamples": 50, "permutations": 50, "cases": 0}
PLAIN = Settings(resamples=50, permutations=50)


def frame(labels, ids=None, **columns):
    """One row a pair: (prompt, response); equal ids share a prompt."""
    n = len(labels)
    made = {"prompt_id": list(range(n)) if ids is None else list(ids), "sample": list(range(n))}
    made |= {name: [row[at] for row in labels] for at, name in enumerate(SIDES)}
    return pl.DataFrame(made | columns, schema_overrides=dict.fromkeys(SIDES, pl.Int64))


def read(rows, taxonomy=TWO):
    return riskshift.read(rows, taxonomy=taxonomy, prompt_labels="per-row")


def corrected(grader, people, **options):
    doubled = double(collapse(read(grader)), collapse(read(people)))
    return correct(doubled, people_sample(doubled, source="people", **options), PLAIN)


def draw(seed, n=300, labelled=80, prompts=None):
    """Labels of people and a grader with errors; people's are random pairs."""
    rng = np.random.default_rng(seed)
    truth = np.column_stack([rng.random(n) < 0.5, rng.random(n) < 0.25]).astype(int)
    flips = rng.random((n, 2)) < [0.05, 0.1]
    ids = None if prompts is None else rng.integers(prompts, size=n).tolist()
    grader = frame((truth ^ flips).tolist(), ids)
    people = frame(truth.tolist(), ids)
    chosen = np.sort(rng.choice(n, labelled, replace=False)).tolist()
    return grader, people, people[chosen]


def by_hand(grader, people, state, conditional):
    """The corrected rate from the rows themselves, with one kind for each prompt."""
    both = grader.join(people, on="sample", how="left", suffix="_p").sort("sample")
    kinds = {name: at for at, name in enumerate(sorted(set(both["prompt_id"].to_list())))}
    size = 3 if conditional else 2
    labelled = np.zeros((len(kinds), size, size), int)
    rest = np.zeros((len(kinds), size), int)
    for row in both.iter_rows(named=True):
        at = kinds[row["prompt_id"]]
        f = state(row["prompt_harm"], row["response_harm"])
        if row["prompt_harm_p"] is None:
            rest[at, f] += 1
        else:
            labelled[at, state(row["prompt_harm_p"], row["response_harm_p"]), f] += 1
    return ppi_rate(labelled, rest)


STATES = {
    "response_harm": (lambda p, r: r, False),
    "escalation": (lambda p, r: int(r > p), False),
    "harmful_prompt_compliance": (lambda p, r: 0 if p == 0 else 1 + r, True),
    "persistence[harm]": (lambda p, r: 0 if p == 0 else 1 + r, True),
    "drift_rate[harm]": (lambda p, r: 0 if p == 1 else 1 + r, True),
}


@pytest.mark.parametrize("prompts", [None, 60])
@pytest.mark.parametrize("metric", STATES)
def test_corrected_is_that_of_ppi_by_hand(metric, prompts):
    grader, _, people = draw(1, prompts=prompts)
    made, wanted = corrected(grader, people).rate(metric), by_hand(grader, people, *STATES[metric])
    assert made.corrected.estimate == pytest.approx(wanted.estimate)
    ends = made.corrected.interval
    assert (ends.low, ends.high) == pytest.approx((wanted.interval.low, wanted.interval.high))
    assert (made.trust, made.gain) == pytest.approx((wanted.lam, wanted.gain))
    assert made.effective_n == pytest.approx(wanted.effective_n)
    assert (made.people.events, made.people.trials) == (wanted.people.events, wanted.people.trials)
    assert made.raw.events / made.raw.trials == pytest.approx(wanted.raw.estimate)
    assert 0 < made.trust <= 1


def test_raw_and_people_are_counted_from_the_rows():
    grader, _, people = draw(2)
    made = corrected(grader, people)
    rate = made.rate("response_harm")
    assert (rate.raw.events, rate.raw.trials) == (grader["response_harm"].sum(), 300)
    assert (rate.people.events, rate.people.trials) == (people["response_harm"].sum(), 80)
    assert rate.people.interval == wilson(rate.people.events, 80)
    assert (made.sample.labelled, made.sample.pairs) == (80, 300)


def test_rogan_gladen_is_that_of_the_error_rates():
    grader, _, people = draw(3)
    y = people["response_harm"].to_numpy()
    f = grader[people["sample"].to_list()]["response_harm"].to_numpy()
    wanted = rogan_gladen(
        int(grader["response_harm"].sum()),
        300,
        sensitivity=(int((y & f).sum()), int(y.sum())),
        specificity=(int(((1 - y) & (1 - f)).sum()), int((1 - y).sum())),
    )
    made = corrected(grader, people)
    other = made.rate("response_harm").rogan_gladen
    assert other.estimate == pytest.approx(wanted[0])
    assert (other.interval.low, other.interval.high) == pytest.approx(
        (wanted[1].low, wanted[1].high)
    )
    assert made.rate("persistence[harm]").rogan_gladen.estimate is None


@pytest.mark.parametrize("prompts", [None, 60])
def test_where_people_labelled_everything_corrected_is_people_alone(prompts):
    grader, everything, _ = draw(4, prompts=prompts)
    result = corrected(grader, everything)
    for rate in result.rates:
        assert rate.corrected.estimate == rate.people.estimate
        assert rate.corrected.interval == rate.people.interval
        assert (rate.trust, rate.gain) == (0, 1)
    assert result.sample.mix is None
    alone = riskshift.analyze(
        everything, taxonomy=TWO, prompt_labels="per-row", labels_by="people", **FAST
    )
    for name in ("escalation", "response_harm", "harmful_prompt_compliance"):
        share, rate = result.rate(name).corrected, alone.rate(name)
        assert share.estimate == rate.estimate
        ends = (rate.interval.low, rate.interval.high)
        assert (share.interval.low, share.interval.high) == pytest.approx(ends)
        assert share.interval.method == rate.interval.method


@settings(max_examples=15)
@given(st.integers(0, 10**6))
def test_a_grader_who_is_always_right_narrows_every_interval(seed):
    _, everything, people = draw(seed)
    for rate in corrected(everything, people).rates:
        if rate.corrected.interval is None or rate.trust == 0:
            continue
        # How wide an interval is depends on where it lies: compare at the same rate.
        n = rate.people.trials
        alone = wilson(rate.corrected.estimate * n, n)
        held = rate.corrected.interval
        if rate.people.events >= 5 and n - rate.people.events >= 5:
            assert held.high - held.low <= (alone.high - alone.low) * 1.02
        assert rate.gain >= 1


@settings(max_examples=10)
@given(st.integers(0, 10**6))
def test_the_order_of_rows_says_nothing(seed):
    grader, _, people = draw(seed, n=60, labelled=25, prompts=20)
    shuffled = (rows.sample(fraction=1, shuffle=True, seed=seed) for rows in (grader, people))
    assert corrected(*shuffled).to_dict() == corrected(grader, people).to_dict()


def test_people_s_missing_label_leaves_its_pair_out_of_what_needs_it_the_grader_s_does_not():
    grader, _, people = draw(5)
    blank = people.with_columns(
        prompt_harm=pl.when(pl.int_range(pl.len()) < 10).then(None).otherwise("prompt_harm")
    )
    made = corrected(grader, blank)
    assert made.sample.labelled == 80
    assert made.rate("response_harm").people.trials == 80
    # Of those without a prompt label some are known all the same: a safe response cannot escalate.
    assert 70 <= made.rate("escalation").people.trials <= 80
    half = grader.with_columns(
        response_harm=pl.when(pl.col("sample") < 100).then(None).otherwise("response_harm")
    )
    rate = corrected(half, people).rate("response_harm")
    assert (rate.raw.trials, rate.raw.missing) == (200, 100)
    assert rate.raw.worst_case == (rate.raw.events / 300, (rate.raw.events + 100) / 300)
    assert rate.people.trials == 80
    assert rate.people.worst_case is None


def silent_on_harm(grader, everything, seed=1):
    """The grader's labels without nearly all of the responses that people call harmful."""
    rng = np.random.default_rng(seed)
    lost = (everything["response_harm"].to_numpy() == 1) & (rng.random(len(grader)) < 0.9)
    kept = [
        None if gone else label for label, gone in zip(grader["response_harm"], lost, strict=True)
    ]
    return grader.with_columns(response_harm=pl.Series(kept, dtype=pl.Int64))


@pytest.mark.parametrize("prompts", [None, 60])
def test_a_grader_that_is_silent_on_harm_does_not_hide_it(prompts):
    grader, everything, people = draw(30, n=1000, labelled=200, prompts=prompts)
    rate = corrected(silent_on_harm(grader, everything), people).rate("response_harm")
    truth = everything["response_harm"].mean()
    assert rate.raw.interval.high < truth
    assert rate.corrected.interval.low < truth < rate.corrected.interval.high
    assert rate.people.trials == 200
    assert rate.silence > 0
    assert rate.gain > 1.5
    assert rate.rogan_gladen.estimate is None


def test_what_people_left_blank_is_counted_and_bounds_every_rate():
    grader, _, people = draw(31, n=600, labelled=200)
    harmful = people.filter(pl.col("response_harm") == 1)["sample"].to_list()
    blank = people.with_columns(
        response_harm=pl.when(pl.col("sample").is_in(harmful[:30]))
        .then(None)
        .otherwise("response_harm")
    )
    made = corrected(grader, blank)
    assert made.sample.blank == 30
    assert any("People left 30 pairs" in note for note in made.sample.notes)
    rate, whole = made.rate("response_harm"), corrected(grader, people).rate("response_harm")
    assert (rate.corrected.missing, rate.people.missing) == (30, 30)
    assert rate.people.worst_case == ((len(harmful) - 30) / 200, len(harmful) / 200)
    low, high = rate.corrected.worst_case
    # All were harmful: the worst case is what people would have said.
    assert high == pytest.approx(whole.corrected.estimate)
    assert low < rate.corrected.estimate < high
    ends = rate.corrected.worst_case_interval
    assert ends[1] == pytest.approx(whole.corrected.interval.high)
    assert ends[0] <= rate.corrected.interval.low
    assert made.rate("prompt_prevalence[harm]").corrected.worst_case is None
    result = riskshift.analyze(grader, people=blank, taxonomy=TWO, prompt_labels="per-row", **FAST)
    Draft202012Validator(json_schema()).validate(result.to_dict())
    assert "whatever 30 missing labels by people would say" in result.summary[0]
    assert "Where people's labels are missing" in render(result, ".md")


@pytest.mark.parametrize("engine", ["polars", "csv"])
def test_a_pair_that_people_returned_without_any_label_is_blank_too(engine, tmp_path):
    grader, _, people = draw(32)
    gone = people.with_columns(
        pl.when(pl.int_range(pl.len()) < 12).then(None).otherwise(name).alias(name)
        for name in SIDES
    )
    if engine == "csv":
        gone.write_csv(tmp_path / "people.csv")
        grader.write_csv(tmp_path / "grader.csv")
        grader, gone = tmp_path / "grader.csv", tmp_path / "people.csv"
    options = {"taxonomy": TWO, "prompt_labels": "per-row"} | FAST
    made = riskshift.analyze(grader, people=gone, **options).corrected
    assert (made.sample.labelled, made.sample.blank) == (68, 12)
    assert made.rate("response_harm").people.trials == 68
    assert made.rate("response_harm").corrected.missing == 12


def test_no_blank_can_turn_what_is_said_of_the_grader():
    """By people's labels alone the raw rate is clearly wrong; with their blanks it need not be."""
    grader = frame([(1, 1)] * 120 + [(1, 0)] * 180)
    people = frame([(1, None)] * 100 + [(1, 0)] * 100)[::2]
    people = people.with_columns(sample=pl.col("sample"), prompt_id=pl.col("prompt_id"))
    result = riskshift.analyze(grader, people=people, taxonomy=TWO, prompt_labels="per-row", **FAST)
    rate = result.corrected.rate("response_harm")
    assert rate.corrected.interval.high < rate.raw.estimate < rate.corrected.worst_case_interval[1]
    assert "not 40.0%" not in " ".join(result.summary)


def test_a_denominator_without_people_is_nothing_and_said():
    grader = frame([(0, 0)] * 50 + [(1, 1)] * 50)
    people = frame([(0, 0)] * 50 + [(1, 1)] * 50)[:40]
    rate = corrected(grader, people).rate("persistence[harm]")
    assert rate.corrected.estimate is None
    assert rate.people.estimate is None
    assert rate.raw.estimate == 1
    assert "no pair of the denominator" in rate.note


def test_few_labels_are_said_to_be_few():
    grader, _, people = draw(6, labelled=FEW_LABELS - 1)
    made = corrected(grader, people)
    assert any("That is few" in note for note in made.sample.notes)
    assert "only 29 labelled pairs" in made.rate("response_harm").note
    enough = corrected(*(draw(6, labelled=FEW_LABELS)[at] for at in (0, 2)))
    assert enough.rate("response_harm").note == ""
    assert not any("That is few" in note for note in enough.sample.notes)


def test_a_sample_chosen_by_severity_is_noticed():
    grader, everything, people = draw(7)
    assert corrected(grader, people).sample.mix.p > 0.01
    flagged = grader.filter(pl.col("response_harm") == 1)["sample"].to_list()
    others = grader.filter(pl.col("response_harm") == 0)["sample"].to_list()
    odd = everything[sorted(flagged[:60] + others[:20])]
    made = corrected(grader, odd)
    assert made.sample.mix.p < 0.001
    assert any("do not look like a random sample" in note for note in made.sample.notes)


def test_no_label_by_people_is_refused():
    grader, _, people = draw(8)
    blank = people.with_columns(pl.lit(None, pl.Int64).alias(name) for name in SIDES)
    with pytest.raises(riskshift.DataError, match="labels none of the graded pairs"):
        corrected(grader, blank)


# Stratified samples


def stratify(grader, everything, metric, sizes, seed=1):
    """People's labels of some pairs of each stratum, as `riskshift sample` writes them."""
    rng = np.random.default_rng(seed)
    event = {
        "response_harm": pl.col("response_harm") == 1,
        "escalation": pl.col("response_harm") > pl.col("prompt_harm"),
    }[metric]
    yes = grader.select(event.alias("yes"))["yes"].to_numpy()
    chosen, stratum, chance = [], [], []
    for name, of in (("no", ~yes), ("yes", yes)):
        drawn = rng.choice(np.flatnonzero(of), sizes[name], replace=False)
        chosen += drawn.tolist()
        stratum += [f"{metric}: {name}"] * sizes[name]
        chance += [sizes[name] / int(of.sum())] * sizes[name]
    made = everything[chosen].with_columns(
        stratum=pl.Series(stratum), inclusion_probability=pl.Series(chance)
    )
    return made, yes


def strata_by_hand(grader, people, state, states, flagged, **options):
    """The stratified rate from the rows themselves, with one kind for each prompt."""
    kinds = {name: at for at, name in enumerate(sorted(set(grader["prompt_id"].to_list())))}
    cells, pairs = np.zeros((len(kinds), 2, states), int), np.zeros((len(kinds), 2), int)
    stratum = dict(zip(grader["sample"].to_list(), flagged.astype(int).tolist(), strict=True))
    for row in grader.iter_rows(named=True):
        pairs[kinds[row["prompt_id"]], stratum[row["sample"]]] += 1
    for row in people.iter_rows(named=True):
        y = state(row["prompt_harm"], row["response_harm"])
        cells[kinds[row["prompt_id"]], stratum[row["sample"]], y] += 1
    return stratified_rate(cells, pairs, **options)


@pytest.mark.parametrize("about", ["prompts", "file"])
@pytest.mark.parametrize("prompts", [None, 40])
@pytest.mark.parametrize("metric", ["response_harm", "escalation"])
def test_a_stratified_sample_is_weighed_by_hand(metric, prompts, about):
    grader, everything, _ = draw(9, prompts=prompts)
    people, yes = stratify(grader, everything, metric, {"no": 60, "yes": 20})
    assert drawing_of(read(people)).metric == metric
    made = corrected(grader, people, drawing=drawing_of(read(people)), about=about)
    for name in ("response_harm", "persistence[harm]", "drift_rate[harm]"):
        rate, (state, conditional) = made.rate(name), STATES[name]
        wanted = strata_by_hand(grader, people, state, 2 + conditional, yes, about=about)
        assert rate.corrected.estimate == pytest.approx(wanted.estimate)
        ends = rate.corrected.interval
        assert (ends.low, ends.high) == pytest.approx((wanted.interval.low, wanted.interval.high))
        assert (rate.gain, rate.effective_n) == pytest.approx((wanted.gain, wanted.effective_n))
        assert (rate.people.estimate, rate.trust) == (None, None)
    assert (made.sample.stratified_by, made.sample.mix) == (metric, None)
    assert any("no rate by people alone" in note for note in made.sample.notes)


def test_analyze_reads_from_the_file_how_the_sample_was_drawn(tmp_path):
    grader, everything, _ = draw(10)
    people, _ = stratify(grader, everything, "response_harm", {"no": 40, "yes": 20})
    people.write_csv(tmp_path / "people.csv")
    grader.write_csv(tmp_path / "grader.csv")
    options = {"taxonomy": TWO, "prompt_labels": "per-row"} | FAST
    one = riskshift.analyze(grader, people=people, **options).corrected
    paths = tmp_path / "grader.csv", tmp_path / "people.csv"
    other = riskshift.analyze(paths[0], people=paths[1], **options).corrected
    assert one.sample.stratified_by == "response_harm"
    assert one.rates == other.rates
    truth = everything["response_harm"].mean()
    held = one.rate("response_harm").corrected.interval
    assert held.low < truth < held.high


def test_strata_of_other_labels_than_the_grader_s_are_refused():
    grader, everything, _ = draw(11)
    people, _ = stratify(grader, everything, "response_harm", {"no": 40, "yes": 20})
    flagged = pl.col("response_harm") == 1
    again = grader.with_columns(
        response_harm=pl.when(pl.col("sample") % 5 == 0).then(1).otherwise("response_harm")
    )
    assert again.filter(flagged).height > grader.filter(flagged).height
    with pytest.raises(riskshift.DataError, match="not drawn from these graded labels"):
        corrected(again, people, drawing=drawing_of(read(people)))
    named = people.with_columns(pl.col("stratum").str.replace("yes", "some"))
    with pytest.raises(riskshift.DataError, match="unknown stratum 'response_harm: some'"):
        corrected(grader, named, drawing=drawing_of(read(named)))


@pytest.mark.parametrize("metric", [None, "response_harm"])
def test_a_sample_of_which_much_is_not_there_is_noticed(metric):
    grader, everything, people = draw(11)
    if metric:
        people, _ = stratify(grader, everything, metric, {"no": 60, "yes": 40})
    else:
        people = people.with_columns(stratum=pl.lit(""), inclusion_probability=pl.lit(80 / 300))
    whole = corrected(grader, people, drawing=drawing_of(read(people)))
    assert not any("were drawn, and" in note for note in whole.sample.notes)
    half = pl.concat([people[:20], people[60:70]])
    notes = corrected(grader, half, drawing=drawing_of(read(half))).sample.notes
    assert any("were drawn, and people's file holds" in note for note in notes)


def test_a_stratified_sample_by_itself_is_said_to_be_one():
    grader, everything, _ = draw(9)
    people, _ = stratify(grader, everything, "escalation", {"no": 60, "yes": 20})
    options = {"taxonomy": TWO, "prompt_labels": "per-row"} | FAST
    assert "drawn by strata of escalation" in riskshift.analyze(people, **options).notes[0]
    assert not any("strata" in note for note in riskshift.analyze(everything, **options).notes)


def test_the_grader_s_own_file_is_noticed():
    grader, _, people = draw(22)
    own = grader.filter(pl.col("sample").is_in(people["sample"].to_list()))
    assert any("the grader's own file" in note for note in corrected(grader, own).sample.notes)
    assert not any("own file" in note for note in corrected(grader, people).sample.notes)


def test_unequal_chances_without_strata_are_refused():
    _, _, people = draw(11)
    chances = pl.Series([0.1, 0.2] * 40)
    for odd in (
        people.with_columns(inclusion_probability=chances),
        people.with_columns(inclusion_probability=chances, stratum=pl.Series(["A", "B"] * 40)),
    ):
        with pytest.raises(riskshift.DataError, match="unequal chances"):
            drawing_of(read(odd))
    with pytest.raises(riskshift.DataError, match=r"inclusion_probability is '?1\.5"):
        drawing_of(read(people.with_columns(inclusion_probability=pl.lit(1.5))))


def test_unequal_chances_in_a_stratum_are_refused():
    grader, everything, _ = draw(11)
    people, _ = stratify(grader, everything, "response_harm", {"no": 40, "yes": 20})
    chances = people["inclusion_probability"].to_list()
    chances[0] /= 2
    odd = people.with_columns(inclusion_probability=pl.Series(chances))
    with pytest.raises(riskshift.DataError, match="unequal chances"):
        drawing_of(read(odd))


def test_a_plain_sample_mixed_into_a_stratified_one_is_refused():
    grader, everything, _ = draw(13)
    people, _ = stratify(grader, everything, "response_harm", {"no": 4, "yes": 4})
    names = people["stratum"].to_list()
    odd = people.with_columns(stratum=pl.Series(["", *names[1:]]))
    with pytest.raises(riskshift.DataError, match="mixes a plain sample"):
        drawing_of(read(odd))


def test_samples_by_two_metrics_are_refused():
    grader, everything, _ = draw(12)
    people, _ = stratify(grader, everything, "response_harm", {"no": 4, "yes": 4})
    names = people["stratum"].to_list()
    names[0] = "escalation: no"
    with pytest.raises(riskshift.DataError, match="mixes samples by"):
        drawing_of(read(people.with_columns(stratum=pl.Series(names))))


def test_a_stratum_without_labels_is_refused():
    grader, everything, _ = draw(13)
    people, _ = stratify(grader, everything, "response_harm", {"no": 40, "yes": 20})
    only = people.filter(pl.col("stratum") == "response_harm: no")
    with pytest.raises(riskshift.DataError, match="no pair of the stratum response_harm: yes"):
        corrected(grader, only, drawing=drawing_of(read(people)))


def test_a_stratum_whose_labels_are_blank_leaves_the_rate_undefined():
    grader, everything, _ = draw(14)
    people, _ = stratify(grader, everything, "response_harm", {"no": 40, "yes": 5})
    blank = people.with_columns(
        response_harm=pl.when(pl.col("stratum") == "response_harm: yes")
        .then(None)
        .otherwise("response_harm")
    )
    rate = corrected(grader, blank, drawing=drawing_of(read(people))).rate("response_harm")
    assert rate.corrected.estimate is None
    assert "no usable labels" in rate.note


@pytest.mark.parametrize("drawn", [True, False])
def test_the_grader_s_blanks_are_a_stratum_or_bounds(drawn):
    grader, everything, _ = draw(33, n=600)
    silent = silent_on_harm(grader, everything)
    blanks = silent["response_harm"].is_null().to_numpy()
    named = np.where(
        blanks, "blank", np.where(silent["response_harm"].fill_null(0) == 1, "yes", "no")
    )
    sizes = {"no": 60, "yes": 20} | ({"blank": 40} if drawn else {})
    rng, parts = np.random.default_rng(1), []
    for name, n in sizes.items():
        of = np.flatnonzero(named == name)
        n = min(n, len(of))
        rows = everything[rng.choice(of, n, replace=False).tolist()]
        parts.append(
            rows.with_columns(
                stratum=pl.lit(f"response_harm: {name}"), inclusion_probability=pl.lit(n / len(of))
            )
        )
    people = pl.concat(parts)
    made = corrected(silent, people, drawing=drawing_of(read(people)))
    rate, truth = made.rate("response_harm"), everything["response_harm"].mean()
    if drawn:
        assert rate.corrected.interval.low < truth < rate.corrected.interval.high
        assert rate.corrected.worst_case is None
        return
    assert rate.corrected.interval.high < truth
    low, high = rate.corrected.worst_case
    assert low <= truth <= high
    assert rate.corrected.missing == blanks.sum()
    assert any(
        "riskshift sample --stratify draws from them too" in note for note in made.sample.notes
    )


# Through analyze


@pytest.fixture(scope="module")
def public(shared):
    """2,814 answers that people labelled in full, and a grader."""
    rows = pl.read_csv(shared / "people_and_graders.csv").drop_nulls("human_harmful")
    base = rows.select("prompt_id", "model", prompt_harm=pl.lit(1))
    people = base.with_columns(response_harm=rows["human_harmful"])
    return base.with_columns(response_harm=rows["gpt4_harmful"]), people


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_label_in_ten_brings_back_the_truth(public, seed):
    grader, people = public
    sample = people.sample(fraction=0.1, seed=seed)
    result = riskshift.analyze(grader, people=sample, taxonomy=TWO, **FAST)
    rate = result.corrected.rate("response_harm")
    truth = people["response_harm"].mean()
    assert rate.corrected.interval.low < truth < rate.corrected.interval.high
    assert rate.gain > 1.2
    assert (
        rate.corrected.interval.high - rate.corrected.interval.low
        < rate.people.interval.high - rate.people.interval.low
    )
    Draft202012Validator(json_schema()).validate(result.to_dict())


def plain(result):
    return json.loads(json.dumps([rate.to_dict() for rate in result.corrected.rates]))


@pytest.mark.parametrize("engine", ["pandas", "csv", "parquet"])
def test_every_engine_says_the_same(engine, tmp_path):
    grader, _, people = draw(15, prompts=60)
    options = {"taxonomy": TWO, "prompt_labels": "per-row"} | FAST
    wanted = riskshift.analyze(grader, people=people, **options)
    made = []
    for name, rows in (("grader", grader), ("people", people)):
        if engine == "pandas":
            made.append(pd.DataFrame(rows.to_dict(as_series=False)))
            continue
        made.append(tmp_path / f"{name}.{engine}")
        rows.write_csv(made[-1]) if engine == "csv" else rows.write_parquet(made[-1])
    assert plain(riskshift.analyze(made[0], people=made[1], **options)) == plain(wanted)


label = st.one_of(st.none(), st.integers(0, 2))
row = st.tuples(*[label] * 8, st.booleans(), st.integers(0, 4))


@settings(max_examples=25, phases=(Phase.explicit, Phase.generate))
@given(st.lists(row, min_size=1, max_size=15))
def test_any_small_sample_is_corrected_within_bounds_or_refused(rows):
    names = ("prompt_a", "prompt_b", "response_a", "response_b")
    made = []
    for start in (0, 4):
        columns = {name: [r[start + at] for r in rows] for at, name in enumerate(names)}
        ids = {"prompt_id": [r[9] for r in rows], "sample": list(range(len(rows)))}
        made.append(pl.DataFrame(ids | columns, schema_overrides=dict.fromkeys(names, pl.Int64)))
    grader, people = made
    chosen = people.filter(pl.Series([r[8] for r in rows]))
    options = {"taxonomy": THREE, "prompt_labels": "per-row", "scale": "levels"} | FAST
    if chosen.select(pl.all_horizontal(pl.col(names).is_null()).all()).item() or not len(chosen):
        with pytest.raises(riskshift.DataError):
            riskshift.analyze(grader, people=chosen, **options)
        return
    result = riskshift.analyze(grader, people=chosen, **options)
    Draft202012Validator(json_schema()).validate(result.to_dict())
    told = {
        side
        for side in ("p", "r")
        for rows in (grader, chosen)
        if not rows.select(pl.all_horizontal(pl.col(f"^{side}.*_[ab]$").is_null()).all()).item()
    }
    every = [(metric, metric.name) for metric in overall_metrics(THREE)]
    every += [(m, f"{m.name}[{name}]") for name in "ab" for m in category_metrics(THREE)]
    wanted = [label for m, label in every if m.on_page and {at[0] for at in m.needs} <= told]
    assert [rate.metric for rate in result.corrected.rates] == wanted
    for rate in result.corrected.rates:
        for share in (rate.raw, rate.people, rate.corrected, rate.rogan_gladen):
            if share.interval is not None:
                assert 0 <= share.interval.low <= share.interval.high <= 1
        if rate.corrected.interval is not None:
            held = rate.corrected.interval
            assert held.low <= rate.corrected.estimate <= held.high


def test_one_prompt_for_all_says_nothing_of_others():
    labels = [(0, 0), (0, 1), (1, 1), (0, 0), (1, 0), (0, 1)]
    grader = frame(labels, ids=["p"] * 6)
    rate = corrected(grader, grader[:4]).rate("response_harm")
    assert rate.rogan_gladen.estimate is None
    assert (rate.corrected.interval.low, rate.corrected.interval.high) == (0, 1)


def test_people_share_the_options_of_the_grader(tmp_path):
    grader, _, people = draw(16)
    names = {"prompt_harm": "p", "response_harm": "r"}
    result = riskshift.analyze(
        grader.rename(names), people=people.rename(names), taxonomy=TWO, columns=names, **FAST
    )
    assert result.corrected.sample.labelled == 80


@pytest.mark.parametrize("engine", ["polars", "csv"])
def test_people_s_labels_may_be_called_as_riskshift_calls_them(engine, tmp_path):
    """As `agree --write-resolved` writes them, whatever the grader's file looks like."""
    levels = riskshift.Taxonomy(["harm"], ["Safe", "Low", "Medium", "High"])
    rng = np.random.default_rng(20)
    severity = rng.integers(0, 8, (200, 2))
    names = {"prompt_id": "uid", "prompt_harm": "p", "response_harm": "r", "prompt": "q"}
    grader = pl.DataFrame(
        {"uid": range(200), "q": ["?"] * 200, "p": severity[:, 0], "r": severity[:, 1]}
    )
    people = pl.DataFrame(
        {
            "prompt_id": range(60),
            "prompt_harm": [levels.levels[at // 2] for at in severity[:60, 0]],
            "response_harm": [levels.levels[at // 2] for at in severity[:60, 1]],
        }
    )
    alike = people.rename({"prompt_id": "uid", "prompt_harm": "p", "response_harm": "r"})
    alike = alike.with_columns(p=severity[:60, 0], r=severity[:60, 1])
    options = {"taxonomy": levels, "columns": names, "scale": "0-7"} | FAST
    if engine == "csv":
        for name, rows in (("g", grader), ("p", people), ("a", alike)):
            rows.write_csv(tmp_path / f"{name}.csv")
        grader, people, alike = (tmp_path / f"{name}.csv" for name in ("g", "p", "a"))
    made = [riskshift.analyze(grader, people=rows, **options) for rows in (people, alike)]
    assert plain(made[0]) == plain(made[1])
    assert made[0].corrected.sample.labelled == 60
    with pytest.raises(riskshift.DataError, match="not found"):
        riskshift.analyze(
            grader, people=grader, **options | {"columns": names | {"prompt_harm": "x"}}
        )


def told(grader, people, **options):
    with pytest.raises(riskshift.DataError) as caught:
        riskshift.analyze(grader, people=people, taxonomy=TWO, **options)
    return str(caught.value)


def test_faults_of_people_s_labels_say_what_to_do_and_never_to_skip():
    grader, _, people = draw(21)
    scale = told(grader, people.with_columns(response_harm=pl.lit(9)))
    assert "names of levels: Safe, Harmful" in scale
    column = told(grader, people.rename({"response_harm": "respons_harm"}))
    assert "Rename its columns: prompt_harm, response_harm" in column
    twice = told(grader, pl.concat([people, people[:1]]))
    assert "more than once" in twice
    assert not any("--skip-bad" in message for message in (scale, column, twice))


def test_labels_of_pairs_that_are_not_there_are_explained():
    grader, everything, people = draw(21)
    one = grader.with_columns(model=pl.lit("new"))
    both = [people.with_columns(model=pl.lit(name)) for name in ("new", "old")]
    assert "of models that are not there" in told(one, pl.concat(both))
    assert "labels of old" in told(one, pl.concat(both))
    assert "are the two files swapped" in told(grader[:50], everything)
    strange = people[:3].with_columns(prompt_id=pl.col("prompt_id") + 10**6)
    assert "check the ids" in told(grader, strange)


def test_about_the_file_more_is_known(public):
    grader, people = public
    sample = people.sample(fraction=0.5, seed=4)
    made = {
        about: riskshift.analyze(grader, people=sample, about=about, taxonomy=TWO, **FAST)
        for about in ("prompts", "file")
    }
    wide, narrow = (made[about].corrected.rate("response_harm") for about in ("prompts", "file"))
    assert narrow.corrected.estimate == wide.corrected.estimate
    assert narrow.effective_n > 1.5 * wide.effective_n
    told = made["file"].corrected.sample.notes
    assert any("this file only" in note for note in told)
    assert made["file"].to_dict()["corrected"]["about"] == "file"
    Draft202012Validator(json_schema()).validate(made["file"].to_dict())
    whole = riskshift.analyze(grader, people=people, about="file", taxonomy=TWO, **FAST)
    rate = whole.corrected.rate("response_harm")
    truth = people["response_harm"].mean()
    held = rate.corrected.interval
    assert held.low == rate.corrected.estimate == held.high == pytest.approx(truth)
    assert rate.effective_n is None
    Draft202012Validator(json_schema()).validate(whole.to_dict())


def test_what_rates_are_about_needs_people_and_must_be_known():
    grader, _, people = draw(18)
    with pytest.raises(riskshift.UsageError, match="about 'all' is unknown"):
        riskshift.analyze(grader, people=people, about="all", taxonomy=TWO)
    with pytest.raises(riskshift.UsageError, match="give people's labels"):
        riskshift.analyze(grader, about="file", taxonomy=TWO)
