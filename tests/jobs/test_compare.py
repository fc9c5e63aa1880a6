"""compare(): models on the same prompts, held to counts made by hand and to other programs."""

import csv
import json
from collections import defaultdict

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest
from statsmodels.stats.contingency_tables import SquareTable, cochrans_q
from statsmodels.stats.multitest import multipletests

import riskshift
from riskshift import Taxonomy, compare
from riskshift.errors import DataError, UsageError
from riskshift.stats.matched.paired import tango_exact

CATEGORIES = ("hate", "self_harm", "sexual", "violence")
HARM = Taxonomy(["harm"], ["Safe", "Low", "High"])


@pytest.fixture(scope="module")
def public(shared):
    return compare(shared / "paired_public_labels.csv", baseline="deepseek-v3.1")


@pytest.fixture(scope="module")
def everyone(shared):
    return compare(shared / "paired_public_labels.csv")


@pytest.fixture(scope="module")
def by_hand(shared):
    """Highest severities of each prompt and model, read with the csv module alone."""
    found = defaultdict(dict)
    with (shared / "paired_public_labels.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            p, r = (
                max(int(row[f"{side}_{c}"]) for c in CATEGORIES) for side in ("prompt", "response")
            )
            found[row["prompt_id"]][row["model"]] = p, r
    return found


EVENTS = {
    "escalation": lambda p, r: r > p,
    "response_harm": lambda p, r: r >= 1,
    "harmful_prompt_compliance": lambda p, r: r >= 1 if p >= 1 else None,
    "benign_drift": lambda p, r: r >= 1 if p < 1 else None,
    "severe_response": lambda p, r: r == 3,
}


def discordant(by_hand, metric, candidate, baseline):
    outcomes = [
        tuple(EVENTS[metric](*models[m]) for m in (candidate, baseline))
        for models in by_hand.values()
    ]
    outcomes = [pair for pair in outcomes if None not in pair]
    return [sum(pair == cell for pair in outcomes) for cell in ((1, 1), (1, 0), (0, 1), (0, 0))]


@pytest.mark.parametrize("metric", EVENTS)
def test_discordant_counts_and_exact_p_are_those_made_by_hand(everyone, by_hand, metric):
    items = [d for d in everyone.differences if d.metric == metric]
    assert len(items) == 3
    for item in items:
        counts = discordant(by_hand, metric, item.candidate, item.baseline)
        assert [item.both, item.candidate_only, item.baseline_only, item.neither] == counts
        one, other = counts[1:3]
        exact = binomtest(one, one + other, 0.5).pvalue if one + other else 1.0
        assert item.p == pytest.approx(exact, rel=1e-9)
    corrected = multipletests([d.p for d in items], method="bonferroni")[1]
    assert [d.p_bonferroni for d in items] == pytest.approx(list(corrected))


@pytest.mark.parametrize("metric", EVENTS)
def test_three_models_q_agrees_with_statsmodels(everyone, by_hand, metric):
    rows = [[EVENTS[metric](*models[m]) for m in everyone.models] for models in by_hand.values()]
    table = np.array([row for row in rows if None not in row], dtype=int)
    expected = cochrans_q(table)
    (found,) = (item for item in everyone.omnibus if item.metric == metric)
    assert found.cochran_q.statistic == pytest.approx(expected.statistic)
    assert found.cochran_q.p == pytest.approx(expected.pvalue)
    assert found.prompts == len(table)


def test_letters_join_exactly_the_models_that_are_not_distinguishable(everyone):
    for item in everyone.omnibus:
        for d in everyone.differences:
            if d.metric == item.metric:
                share = bool(set(item.letters[d.candidate]) & set(item.letters[d.baseline]))
                assert share == (d.p_bonferroni >= 0.05)
                if d.verdict is not None:
                    assert share != (d.verdict.word == "better" or d.verdict.higher)


def test_ordinal_tests_agree_with_statsmodels(everyone):
    for item in everyone.ordinal:
        table = np.array(item.table)
        used = (table.sum(axis=0) + table.sum(axis=1)) > 0
        square = SquareTable(table[np.ix_(used, used)].astype(float), shift_zeros=False)
        assert item.stuart_maxwell.statistic == pytest.approx(
            square.homogeneity(method="stuart_maxwell").statistic
        )
        moved = [(i, j) for i in range(4) for j in range(i) if table[i, j] + table[j, i]]
        bowker = sum(
            (table[i, j] - table[j, i]) ** 2 / (table[i, j] + table[j, i]) for i, j in moved
        )
        assert item.bowker.statistic == pytest.approx(bowker)
        assert item.bowker.df == len(moved)
        weights = np.arange(4)
        assert item.mean == pytest.approx(
            (table.sum(axis=0) - table.sum(axis=1)) @ weights / table.sum()
        )


def test_a_baseline_is_compared_with_every_other_model(public):
    assert {(d.baseline, d.candidate) for d in public.differences} == {
        ("deepseek-v3.1", "gpt-oss-120b"),
        ("deepseek-v3.1", "llama-3.3-70b"),
    }
    assert all(item.letters == {} for item in public.omnibus)


def test_verdicts_read_the_interval_for_all_comparisons_at_once(public):
    for d in public.differences:
        assert d.simultaneous.confidence == pytest.approx(0.975)
        low, high, verdict = d.simultaneous.low, d.simultaneous.high, d.verdict
        expected = (
            "better"
            if high < 0
            else "not_worse"
            if high <= 0.01
            else "worse"
            if low > 0.01
            else "inconclusive"
        )
        assert verdict.word == expected
        assert verdict.higher == (low > 0)
        assert (verdict.further_prompts is None) or expected == "inconclusive"


def test_further_prompts_settle_it_at_the_rates_seen(public):
    item = public.difference("response_harm", "llama-3.3-70b")
    assert item.verdict.word == "inconclusive"
    n, further = item.prompts, item.verdict.further_prompts
    counts = [item.both, item.candidate_only, item.baseline_only, item.neither]

    def grown(more):
        return tango_exact(
            *(count * (n + more) / n for count in counts),
            confidence=item.simultaneous.confidence,
        )

    assert grown(further).high <= 0.01 < grown(further - 1).high
    # Every prompt counts for this metric, so the mix asks for no more.
    assert item.verdict.further_prompts_of_mix == further


def test_results_are_strict_json_and_tell_the_verdicts(public):
    found = json.loads(json.dumps(public.to_dict(), allow_nan=False))
    assert set(found["comparison"]) >= {
        "models",
        "baseline",
        "margin",
        "coverage",
        "differences",
        "omnibus",
        "ordinal",
    }
    assert len(found["verdicts"]) == len(public.differences)
    assert all(verdict["sentence"].endswith(".") for verdict in found["verdicts"])


def pairs(rows, **extra):
    """A frame of one category from (prompt, model, prompt severity, response severity)."""
    names = ["prompt_id", "model", "prompt_harm", "response_harm", *extra]
    return pl.DataFrame([dict(zip(names, row, strict=True)) for row in rows])


def two_models(outcomes):
    """Prompts of severity 1; per prompt the response severities of old and new."""
    return pairs(
        [
            (f"p{i}", name, 1, severity)
            for i, pair in enumerate(outcomes)
            for name, severity in zip(("old", "new"), pair, strict=True)
        ]
    )


def test_prompts_that_a_model_lacks_are_counted_and_named():
    frame = two_models([(1, 0)] * 6).filter(
        ~((pl.col("prompt_id") == "p3") & (pl.col("model") == "new"))
    )
    result = compare(frame, baseline="old", taxonomy=HARM)
    assert result.coverage.prompts == 6
    assert result.coverage.shared == 5
    assert result.coverage.lacking == {"new": 1, "old": 0}
    assert result.coverage.examples == {"new": ("p3",)}
    assert any("new lacks 1 (p3" in note for note in result.notes)


def test_one_file_a_model_is_the_same_as_one_file(tmp_path):
    frame = two_models([(1, 0), (1, 1), (0, 1), (2, 0), (0, 0)])
    together = compare(frame, baseline="old", taxonomy=HARM)
    for name in ("old", "new"):
        frame.filter(pl.col("model") == name).drop("model").write_csv(tmp_path / f"{name}.csv")
    apart = compare([tmp_path / "old.csv", tmp_path / "new.csv"], baseline="old", taxonomy=HARM)
    mapped = compare(
        {n: frame.filter(pl.col("model") == n).drop("model") for n in ("old", "new")},
        baseline="old",
        taxonomy=HARM,
    )
    assert [d.to_dict() for d in apart.differences] == [d.to_dict() for d in together.differences]
    assert [d.to_dict() for d in mapped.differences] == [d.to_dict() for d in together.differences]


def test_several_responses_a_prompt_use_the_clustered_test_and_are_wider():
    rng = np.random.default_rng(3)
    harmful = rng.random((200, 2)) < 0.3
    rows = [
        {
            "prompt_id": f"p{i}",
            "model": model,
            "sample": s,
            "prompt_harm": 1,
            "response_harm": int(harmful[i, m]),
        }
        for i in range(200)
        for m, model in enumerate(("old", "new"))
        for s in range(5)
    ]
    several = compare(pl.DataFrame(rows), baseline="old", taxonomy=HARM).difference(
        "response_harm", "new"
    )
    once = compare(pl.DataFrame(rows[::5]), baseline="old", taxonomy=HARM).difference(
        "response_harm", "new"
    )
    assert several.test == "sign-flip over prompts"
    assert several.difference == pytest.approx(once.difference)
    # Five identical answers say no more than one.
    assert several.p == pytest.approx(once.p)
    ends = [(item.interval.low, item.interval.high) for item in (several, once)]
    assert ends[0] == pytest.approx(ends[1], abs=0.002)


@pytest.mark.parametrize("samples", [1, 3, 10])
def test_repeating_the_same_answer_is_no_evidence(samples):
    """4 of 50 prompts got better and none worse: an exact p of 1/8, however often each is asked."""
    rows = [(1, 0)] * 4 + [(0, 0)] * 46
    frame = pairs(
        [
            (f"p{i}", name, 1, severity, sample)
            for i, pair in enumerate(rows)
            for name, severity in zip(("old", "new"), pair, strict=True)
            for sample in range(samples)
        ],
        sample=None,
    )
    item = compare(frame, baseline="old", taxonomy=HARM).difference("response_harm", "new")
    assert item.p == pytest.approx(0.125)
    assert item.verdict.word != "better"
    assert item.interval.high > 0


def test_further_prompts_of_a_kind_are_told_for_the_whole_mix_too():
    """16 of 600 prompts are of the kind: so many more of the mix for each of them."""
    kinds = [1] * 16 + [0] * 584
    outcomes = [(0, 1)] * 3 + [(1, 0)] * 2 + [(0, 0)] * 595
    frame = two_models(outcomes).with_columns(
        prompt_harm=pl.Series([kind for kind in kinds for _ in range(2)])
    )
    result = compare(frame, baseline="old", margin=0.5, confidence=0.999, taxonomy=HARM)
    item = result.difference("harmful_prompt_compliance", "new")
    assert (item.prompts, item.matched, item.verdict.word) == (16, 600, "inconclusive")
    further, of_mix = item.verdict.further_prompts, item.verdict.further_prompts_of_mix
    assert of_mix == -(-further * 600 // 16)
    told = next(v for v in result.to_dict()["verdicts"] if v["metric"] == item.metric)
    assert (told["further_prompts"], told["further_prompts_of_mix"]) == (further, of_mix)
    assert told["sentence"].endswith(
        f"About {further} further matched prompts of the kind that harmful_prompt_compliance takes would settle it "
        f"at the rates seen; such are 16 of 600 here, so about {of_mix} further prompts of this mix."
    )


def test_further_prompts_are_prompts_and_not_answers():
    rng = np.random.default_rng(9)
    harmful = rng.random((60, 2)) < [[0.3, 0.35]]
    frames = [
        pairs(
            [
                (f"p{i}", name, 1, int(harmful[i, m]), sample)
                for i in range(60)
                for m, name in enumerate(("old", "new"))
                for sample in range(samples)
            ],
            sample=None,
        )
        for samples in (1, 5)
    ]
    once, often = (
        compare(frame, baseline="old", taxonomy=HARM)
        .difference("response_harm", "new")
        .verdict.further_prompts
        for frame in frames
    )
    assert often == pytest.approx(once, rel=0.1)


def test_a_good_event_is_judged_the_other_way_round():
    frame = two_models([(1, 0)] * 40 + [(1, 1)] * 40)
    up = compare(frame, baseline="old", metrics=["reduction"], taxonomy=HARM).differences[0]
    assert up.difference > 0
    assert up.verdict.word == "better"


def test_standardising_takes_the_mix_of_prompts_out():
    """Two models alike on every stratum, one given more harmful prompts."""
    rows = [(f"a{i}", "old", int(i < 50), int(i < 50 and i % 2)) for i in range(100)]
    rows += [(f"a{i}", "new", int(i < 50), int(i < 50 and i % 2)) for i in range(50)]
    result = compare(pairs(rows), metrics=["response_harm"], standardize="pooled", taxonomy=HARM)
    rates = {item.model: item for item in result.standardized}
    assert rates["old"].raw == pytest.approx(0.25)
    assert rates["new"].raw == pytest.approx(0.5)
    assert rates["new"].empty == {"harmless at Safe": pytest.approx(1 / 3)}
    rows += [(f"b{i}", "new", 0, 0) for i in range(10)]
    result = compare(pairs(rows), metrics=["response_harm"], standardize="pooled", taxonomy=HARM)
    rates = {item.model: item.estimate for item in result.standardized}
    assert rates["old"] == pytest.approx(rates["new"])


def test_differences_of_differences_by_group():
    """In group x the new model drops every harm, in group y none."""
    rows = []
    for group, kept in (("x", 0), ("y", 1)):
        for i in range(40):
            rows.append((f"{group}{i}", "old", 1, 1, group))
            rows.append((f"{group}{i}", "new", 1, kept, group))
    frame = pairs(rows, lang=None)
    found = compare(
        frame, baseline="old", metrics=["persistence[harm]"], by="lang", taxonomy=HARM
    ).interaction
    assert {d.group: d.difference for d in found.differences} == {"x": -1.0, "y": 0.0}
    (contrast,) = found.contrasts
    assert (contrast.a, contrast.b, contrast.estimate) == ("x", "y", -1.0)
    assert contrast.interval.high < -0.5


def test_a_prompt_answered_in_two_groups_correlates_their_differences():
    rng = np.random.default_rng(5)
    hard = rng.random(300) < 0.4
    rows = [
        (f"p{i}", model, 1, int(hard[i] and model == "old"), lang)
        for i in range(300)
        for lang in ("de", "en")
        for model in ("old", "new")
    ]
    frame = pairs(rows, lang=None)
    found = compare(
        frame, baseline="old", metrics=["response_harm"], by="lang", taxonomy=HARM
    ).interaction
    (contrast,) = found.contrasts
    assert contrast.estimate == 0
    # The same prompts behave the same way in both groups, so the difference is known well.
    # Not for sure: of 300 prompts that show no change, about one in a hundred may be a change.
    assert 0.02 < contrast.interval.high - contrast.interval.low < 0.04


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"baseline": "olt"},
            r"model 'olt' is unknown \(did you mean 'old'\?\). Choices: new, old",
        ),
        ({"baseline": "old", "candidates": ["old"]}, "named as baseline and as candidate"),
        ({"candidates": ["old"]}, "one model alone cannot be compared"),
        ({"margin": 0.0}, "margin is 0.0"),
        ({"margin": 1.0}, "margin is 1.0"),
        ({"metrics": ["drift_share"]}, r"drift_share\[harm\] cannot be compared prompt by prompt"),
        ({"metrics": ["escalations"]}, "did you mean 'escalation'"),
        ({"metrics": ["persistence[fraud]"]}, "category of persistence 'fraud' is unknown"),
        ({"standardize": "baseline"}, "needs a --baseline"),
        ({"by": "model"}, "the model column itself cannot be the group"),
        ({"cluster": "prompt_id"}, "compared prompt by prompt"),
    ],
)
def test_options_that_cannot_be_honoured_say_why(options, message):
    with pytest.raises(UsageError, match=message):
        compare(two_models([(1, 0), (0, 1)]), taxonomy=HARM, **options)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (two_models([(1, 0)] * 3).filter(pl.col("model") == "old"), "only one model to compare"),
        (two_models([(1, 0)] * 3).drop("model").unique("prompt_id"), "only one model to compare"),
        (
            two_models([(1, 0)] * 3).with_columns(prompt_id=pl.col("prompt_id") + pl.col("model")),
            "no prompt was answered by two of new, old",
        ),
        (two_models([(1, 0)] * 3).drop("prompt_id"), "name the column that identifies them"),
        (pl.concat([two_models([(1, 0)] * 3)] * 2), "occur more than once"),
    ],
)
def test_data_that_cannot_be_compared_says_why(frame, message):
    with pytest.raises(DataError, match=message):
        compare(frame, taxonomy=HARM)


def test_the_same_file_twice_is_refused(tmp_path):
    two_models([(1, 0)]).write_csv(tmp_path / "a.csv")
    with pytest.raises(UsageError, match="named twice"):
        compare([tmp_path / "a.csv", tmp_path / "a.csv"], taxonomy=HARM)


def test_files_of_two_taxonomies_are_refused(tmp_path):
    two_models([(1, 0)]).write_csv(tmp_path / "a.csv")
    two_models([(1, 0)]).rename({"response_harm": "response_fraud"}).write_csv(tmp_path / "b.csv")
    with pytest.raises(DataError, match="lacks 'response_harm'"):
        compare([tmp_path / "a.csv", tmp_path / "b.csv"], taxonomy=HARM)


outcomes = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30)


def swapped(a, b):
    """Whether b says of two models, with baseline and candidate swapped, what a says."""
    assert a.difference == pytest.approx(-b.difference)
    for mine, theirs in ((a.interval, b.interval), (a.simultaneous, b.simultaneous)):
        assert (mine.low, mine.high) == pytest.approx((-theirs.high, -theirs.low), abs=1e-12)
    assert (a.p, a.p_bonferroni) == pytest.approx((b.p, b.p_bonferroni))
    assert a.apart == b.apart
    if a.verdict is not None:
        assert a.verdict.higher == (b.verdict.word == "better")
        assert b.verdict.higher == (a.verdict.word == "better")
    return True


@settings(max_examples=40)
@given(outcomes)
def test_swapping_the_models_turns_the_sign(rows):
    frame = two_models(rows)
    one = compare(frame, baseline="old", taxonomy=HARM)
    other = compare(frame, baseline="new", taxonomy=HARM)
    for a, b in zip(one.differences, other.differences, strict=True):
        if a.interval is None:
            assert b.interval is None
            continue
        assert swapped(a, b)
        assert a.interval.low <= a.difference <= a.interval.high
        assert a.simultaneous == a.interval  # a family of one


three = st.lists(
    st.tuples(
        st.tuples(*[st.integers(0, 1)] * 3), st.integers(1, 12), st.sampled_from([(1,), (1, 1, 0)])
    ),
    min_size=1,
    max_size=6,
)


NAMES = ("one", "two", "three")


def three_models(kinds):
    """Kinds of prompt: outcomes by model, how many prompts, and which of their answers count."""
    return pl.DataFrame(
        [
            {
                "prompt_id": f"p{at}-{copy}",
                "model": name,
                "sample": sample,
                "prompt_harm": 1,
                "response_harm": value * kept,
            }
            for at, (harmful, copies, samples) in enumerate(kinds)
            for copy in range(copies)
            for name, value in zip(NAMES, harmful, strict=True)
            for sample, kept in enumerate(samples)
        ]
    )


@settings(max_examples=20, deadline=None)
@given(three)
def test_naming_another_baseline_of_three_models_swaps_words_and_nothing_else(kinds):
    """Also with several answers, and whatever the third model does."""
    frame, metrics = three_models(kinds), ["response_harm", "reduction"]
    made = {name: compare(frame, baseline=name, metrics=metrics, taxonomy=HARM) for name in NAMES}
    for metric in metrics:
        for old in NAMES:
            for new in set(NAMES) - {old}:
                one = made[old].difference(metric, new, old)
                assert swapped(one, made[new].difference(metric, old, new))


@settings(max_examples=20, deadline=None)
@given(three)
def test_letters_and_verdicts_are_one_decision(kinds):
    result = compare(three_models(kinds), metrics=["response_harm"], taxonomy=HARM)
    item = next(one for one in result.omnibus if one.metric == "response_harm")
    for d in result.differences:
        share = bool(set(item.letters[d.candidate]) & set(item.letters[d.baseline]))
        assert share != (d.verdict.word == "better" or d.verdict.higher)


def test_better_or_not_settled_no_longer_depends_on_which_is_named_baseline():
    """-2.5 points, -4.5 to -0.7: better; the other way round higher, by the margin or not."""
    frame = two_models([(1, 0)] * 20 + [(0, 1)] * 5 + [(1, 1)] * 30 + [(0, 0)] * 545)
    words = {
        old: compare(frame, baseline=old, metrics=["response_harm"], taxonomy=HARM).differences[0]
        for old in ("old", "new")
    }
    assert words["old"].verdict.spoken == "better"
    assert words["new"].verdict.spoken == "not settled, though higher"


@settings(max_examples=25)
@given(outcomes, st.randoms())
def test_the_order_of_rows_does_not_matter(rows, random):
    frame = two_models(rows)
    order = list(range(len(frame)))
    random.shuffle(order)
    found = [compare(f, baseline="old", taxonomy=HARM).to_dict() for f in (frame, frame[order])]
    assert found[0] == found[1]


def test_public_name():
    assert riskshift.compare is compare


def uneven(answers):
    """Rows of prompts repeated ten times: {model: {prompt: (responses, harmful)}}."""
    return pl.DataFrame(
        [
            {
                "prompt_id": f"{prompt}{copy}",
                "model": model,
                "sample": sample,
                "prompt_harm": 1,
                "response_harm": int(sample < harmful),
            }
            for model, prompts in answers.items()
            for prompt, (responses, harmful) in prompts.items()
            for copy in range(10)
            for sample in range(responses)
        ]
    )


def test_unequal_numbers_of_responses_do_not_make_a_difference_of_their_own():
    # On every prompt both models do the same; only how often each was asked differs.
    frame = uneven({"old": {"p": (9, 9), "q": (1, 0)}, "new": {"p": (1, 1), "q": (9, 0)}})
    result = compare(frame, baseline="old", metrics=["response_harm"], taxonomy=HARM)
    item = result.difference("response_harm", "new")
    assert item.difference == 0
    assert item.interval.low < 0 < item.interval.high
    assert item.candidate_rate.estimate - item.baseline_rate.estimate == pytest.approx(-0.8)
    assert result.ordinal[0].mean == 0
    assert any("different numbers of responses" in note for note in result.notes)


def test_the_clustered_test_takes_a_prompt_for_the_pairs_it_can_form():
    # d = 1 on ten prompts, -3/5 on ten: in fifths 5 and -3, a sum of 20 out of at most 80.
    frame = uneven({"old": {"p": (3, 0), "q": (2, 1)}, "new": {"p": (1, 1), "q": (5, 1)}})
    item = compare(frame, baseline="old", metrics=["response_harm"], taxonomy=HARM).differences[0]
    heads = binom(10, 0.5).pmf(range(11))
    turned = 2 * np.arange(11) - 10
    sums = np.add.outer(5 * turned, 3 * turned)
    assert item.p == pytest.approx(np.outer(heads, heads)[np.abs(sums) >= 20].sum())
    assert item.difference == pytest.approx((10 * 1 - 10 * 0.6) / 30)


def test_records_of_another_cluster_are_refused():
    frame = two_models([(0, 1), (1, 1)]).with_columns(goal=pl.lit("one"))
    with pytest.raises(UsageError, match="prompt by prompt"):
        compare(riskshift.read(frame, cluster="goal", taxonomy=HARM), baseline="old")


def test_options_beside_records_that_are_read_are_refused():
    records = riskshift.read(two_models([(0, 1), (1, 1)]), taxonomy=HARM)
    with pytest.raises(UsageError, match="skip_bad would change nothing"):
        compare(records, baseline="old", skip_bad=True)


def test_rows_left_out_are_counted():
    frame = two_models([(0, 1), (1, 1), (0, 9)])
    found = compare(frame, baseline="old", taxonomy=HARM, skip_bad=True).to_dict()["records"]
    assert (found["read"], found["analyzed"]) == (6, 5)
    assert found["left_out"] == {"label not on the scale": 1}


def test_the_raw_rate_beside_a_common_mix_is_of_all_that_was_answered():
    frame = two_models([(0, 1), (1, 1), (1, 0)]).with_columns(
        prompt_harm=pl.Series([0, 0, 1, 1, 1, 1])
    )
    mix = pl.DataFrame({"prompt_harm": [0], "response_harm": [0]})
    rates = compare(frame, metrics=["response_harm"], standardize=mix, taxonomy=HARM).standardized
    assert {rate.model: rate.raw for rate in rates} == pytest.approx({"old": 2 / 3, "new": 2 / 3})


@pytest.mark.parametrize("blank", ["", " ", None])
def test_groups_without_a_name_are_one_group(blank):
    frame = two_models([(0, 1), (1, 1)] * 10).with_columns(
        kind=pl.Series([blank, blank, " x", " x"] * 10, dtype=pl.String)
    )
    found = compare(frame, baseline="old", by="kind", metrics=["response_harm"], taxonomy=HARM)
    assert [(d.group, d.prompts) for d in found.interaction.differences] == [
        ("(none)", 10),
        ("x", 10),
    ]


def test_a_group_outside_the_denominator_has_no_contrast():
    frame = two_models([(0, 1), (1, 1)] * 10).with_columns(
        prompt_harm=pl.Series([0, 0, 1, 1] * 10),
        kind=pl.Series(["safe", "safe", "harmful", "harmful"] * 10),
    )
    found = compare(frame, baseline="old", by="kind", metrics=["benign_drift"], taxonomy=HARM)
    assert [(d.group, d.difference) for d in found.interaction.differences] == [
        ("harmful", None),
        ("safe", 1.0),
    ]
    assert found.interaction.contrasts == ()


def test_models_that_differ_by_blanks_alone_are_named():
    frame = two_models([(0, 1), (1, 1)]).with_columns(
        pl.col("model").replace({"old": "m", "new": "m "})
    )
    with pytest.raises(DataError, match="model writes one name in several ways: 'm', 'm '"):
        riskshift.analyze(frame, taxonomy=HARM)


def test_the_difference_may_depend_on_two_columns_crossed():
    """With gentle German prompts alone the new model drops every harm."""
    rows = [
        (
            f"{lang} {tone} {i}",
            model,
            1,
            int(model == "old" or (lang, tone) != ("de", "soft")),
            lang,
            tone,
        )
        for lang in ("de", "en")
        for tone in ("soft", "sharp")
        for i in range(40)
        for model in ("old", "new")
    ]
    frame = pairs(rows, lang=None, tone=None)
    options = {"baseline": "old", "metrics": ["response_harm"], "taxonomy": HARM}
    found = compare(frame, by="lang x tone", **options).interaction
    assert found.column == "lang x tone"
    within = {d.group: d.difference for d in found.differences if d.metric == "response_harm"}
    assert within == {
        "de x soft": -1.0,
        "de x sharp": 0.0,
        "en x soft": 0.0,
        "en x sharp": 0.0,
    }
    assert sum(c.metric == "response_harm" for c in found.contrasts) == 6


def test_the_model_cannot_be_crossed_either():
    frame = two_models([(0, 1)] * 4).with_columns(lang=pl.lit("de"))
    with pytest.raises(UsageError, match="the model column itself cannot be the group"):
        compare(frame, by="model x lang", taxonomy=HARM)


def test_more_cells_than_can_be_reported_are_told_by_the_name_of_the_grouping():
    rows = [(f"p{i}", model, 1, 0) for i in range(600) for model in ("old", "new")]
    frame = pairs(rows).with_columns(lang=pl.col("prompt_id"))
    with pytest.raises(UsageError, match="--by lang: 1,200 groups of a model; at most 1,000"):
        compare(frame, by="lang", taxonomy=HARM)
