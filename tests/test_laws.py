"""Laws that hold for every table of labels, checked on small random ones."""

import random

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import riskshift
from riskshift import Taxonomy

FAST = {"resamples": 100, "permutations": 100, "prompt_labels": "per-row", "scale": "levels"}
NAMES = ("fraud", "hate", "zeal")

settings.register_profile(
    "laws",
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
laws = settings(settings.get_profile("laws"))


@st.composite
def tables(draw, *, missing=True, relevance=True, repeats=True, rows=30):
    """A taxonomy and a frame of labels; unevenly spread, so that some cells are empty."""
    k = draw(st.integers(2, 5))
    taxonomy = Taxonomy(
        NAMES[: draw(st.integers(1, 3))],
        [f"level {level}" for level in range(k)],
        draw(st.integers(1, k - 1)),
    )
    rng = random.Random(draw(st.integers(0, 2**32)))
    n = draw(st.integers(1, rows))
    prompts = draw(st.integers(1, n)) if repeats else n
    models = draw(st.integers(1, 3))
    gaps = draw(st.sampled_from([0.0, 0.1, 0.5])) if missing else 0.0
    safe = draw(st.sampled_from([0.0, 0.5, 0.9]))

    def label():
        if rng.random() < gaps:
            return None
        return 0 if rng.random() < safe else rng.randrange(k)

    columns = {
        "prompt_id": [f"p{rng.randrange(prompts) if repeats else i}" for i in range(n)],
        "model": [f"m{rng.randrange(models)}" for _ in range(n)],
        "sample": [str(i) for i in range(n)],
    }
    for name in taxonomy.categories:
        columns[f"prompt_{name}"] = [label() for _ in range(n)]
        columns[f"response_{name}"] = [label() for _ in range(n)]
    if relevance and draw(st.booleans()):
        columns["relevance"] = [rng.choice((1, 2, 3, 3, 3, None)) for _ in range(n)]
    if draw(st.booleans()):
        columns["prompt_benign"] = [rng.choice((True, False, None)) for _ in range(n)]
    whole = {name: pl.Int64 for name in columns if name.endswith(taxonomy.categories)}
    frame = pl.DataFrame(columns, schema_overrides=whole | {"relevance": pl.Int64})
    return taxonomy, frame


def analyze(frame, taxonomy, **options):
    return riskshift.analyze(frame, taxonomy=taxonomy, **(FAST | options))


def timeless(result, *without):
    found = result.to_dict()
    for name in ("timing", *without):
        del found[name]
    return found


def populations(result):
    yield result.population
    for values in result.groups.values():
        yield from values.values()


def rates_of(population):
    """Every rate there is, with its place."""
    for category, rate in population.rates():
        yield (category, rate.name), rate
    origin = population.escalation_origin
    kinds = (origin.unsolicited_elaboration, origin.compliance_escalation, origin.topic_mandated)
    for kind in filter(None, kinds):
        yield ("of escalations", kind.of_escalations.name), kind.of_escalations
        yield ("of records", kind.of_records.name), kind.of_records


def closed_form(rate):
    held = rate.interval
    ends = (None, None) if held is None else (held.low, held.high)
    numbers = (*ends, rate.deff, rate.effective_n)
    # Sums in another order may differ in their last digit.
    told = tuple(n if n is None else pytest.approx(n, rel=1e-9) for n in numbers)
    return rate.events, rate.trials, *told, rate.missing


def transposed(rows):
    return tuple(zip(*rows, strict=True))


def swapped(frame, taxonomy):
    sides = {"prompt": "response", "response": "prompt"}
    return frame.rename(
        {f"{a}_{name}": f"{b}_{name}" for a, b in sides.items() for name in taxonomy.categories}
    )


@laws
@given(tables())
def test_risk_falls_stays_or_rises_and_nothing_else(table):
    for population in populations(analyze(table[1], table[0])):
        overall, origin = population.overall, population.escalation_origin
        moves = [overall[name] for name in ("reduction", "preservation", "escalation")]
        if None not in [rate.estimate for rate in moves]:
            assert sum(rate.estimate for rate in moves) == pytest.approx(1)
        if any(rate.missing for rate in moves):
            assert all(rate.events <= rate.trials <= population.records for rate in moves)
            continue
        assert {rate.trials for rate in moves} == {population.records}
        assert sum(rate.events for rate in moves) == population.records
        if population.shift.worst_case is not None:
            continue  # which way severity moved is known, though not how far
        assert (
            sum(map(sum, population.matrix.rows)) == population.shift.trials == population.records
        )
        kinds = (origin.unsolicited_elaboration, origin.compliance_escalation)
        escalations = overall["escalation"].events
        assert sum(kind.of_records.events for kind in kinds) == escalations
        assert sum(kind.of_escalations.events for kind in kinds) == escalations
        assert {kind.of_records.trials for kind in kinds} == {moves[0].trials}
        assert {kind.of_escalations.trials for kind in kinds} == {escalations}
        assert sum(origin.landing_severity.values()) == escalations


@laws
@given(tables())
def test_swapping_prompt_and_response_mirrors_the_result(table):
    taxonomy, frame = table
    one, other = analyze(frame, taxonomy), analyze(swapped(frame, taxonomy), taxonomy)
    assert one.population.matrix.rows == transposed(other.population.matrix.rows)
    for up, down in (("escalation", "reduction"), ("preservation", "preservation")):
        assert closed_form(one.rate(up)) == closed_form(other.rate(down))
    for up, down in (
        ("prompt_prevalence", "response_harm"),
        ("response_harm", "prompt_prevalence"),
    ):
        assert closed_form(one.rate(up)) == closed_form(other.rate(down))
    here, there = one.population.shift, other.population.shift
    if here.estimate is not None:
        assert here.estimate == pytest.approx(-there.estimate, abs=1e-12)
    for name, category in one.population.categories.items():
        mirrored = other.population.categories[name]
        assert category.matrix.rows == transposed(mirrored.matrix.rows)
        kept, back = category.rates["persistence"], mirrored.rates["persistence"]
        assert kept.events == back.events
        drift, fade = category.rates["drift_share"], mirrored.rates["reduction_to_safe"]
        assert closed_form(drift) == closed_form(fade)


@laws
@given(tables(), st.randoms(use_true_random=False))
def test_row_order_changes_not_one_byte(table, rng):
    taxonomy, frame = table
    order = list(range(len(frame)))
    rng.shuffle(order)
    whole, shuffled = analyze(frame, taxonomy), analyze(frame[order], taxonomy)
    assert repr(timeless(whole)) == repr(timeless(shuffled))


@settings(laws, max_examples=8)
@given(tables(), st.integers(1, 4))
def test_how_rows_are_split_into_files_changes_not_one_byte(tmp_path_factory, table, parts):
    taxonomy, frame = table
    folder = tmp_path_factory.mktemp("parts")
    frame.write_csv(folder / "whole.csv")
    size = -(-len(frame) // parts)
    paths = []
    for start in range(0, len(frame), size):
        paths.append(folder / f"part {start}.csv")
        frame[start : start + size].write_csv(paths[-1])
    one, many = analyze(folder / "whole.csv", taxonomy), analyze(paths[::-1], taxonomy)
    assert repr(timeless(one, "source")) == repr(timeless(many, "source"))


@settings(laws, max_examples=8)
@given(tables())
def test_the_engine_that_holds_the_rows_changes_nothing(table):
    import duckdb

    taxonomy, frame = table
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    connection.register("arrow", frame.to_arrow())
    frames = [frame, frame.lazy(), frame.to_arrow(), frame.to_pandas(), connection.table("arrow")]
    found = [timeless(analyze(each, taxonomy), "engine", "source") for each in frames]
    assert all(other == found[0] for other in found[1:])


@laws
@given(tables(), st.randoms(use_true_random=False))
def test_renaming_categories_permutes_the_closed_forms(table, rng):
    taxonomy, frame = table
    names = list(taxonomy.categories)
    order = rng.sample(names, len(names))
    new = dict(zip(names, order, strict=True))
    renamed = frame.rename(
        {f"{side}_{a}": f"{side}_{b}" for side in ("prompt", "response") for a, b in new.items()}
    )
    options = {"all_pairs": True}
    one, other = analyze(frame, taxonomy, **options), analyze(renamed, taxonomy, **options)
    for before, after in zip(populations(one), populations(other), strict=True):
        assert before.matrix == after.matrix
        assert before.shift == after.shift
        for name, rate in before.overall.items():
            assert closed_form(rate) == closed_form(after.overall[name])
        for name, category in before.categories.items():
            twin = after.categories[new[name]]
            assert category.matrix == twin.matrix
            for metric, rate in category.rates.items():
                assert closed_form(rate) == closed_form(twin.rates[metric])
        assert contrast_ends(before, new) == contrast_ends(after, {name: name for name in names})


def contrast_ends(population, names):
    """Ends of the closed-form intervals, each pair in alphabetical order."""
    ends = {}
    for item in population.contrasts.items:
        pair, low, high = (names[item.a], names[item.b]), item.interval.low, item.interval.high
        if pair[0] > pair[1]:
            pair, low, high = pair[::-1], -high, -low
        ends[pair] = (round(low, 9) + 0.0, round(high, 9) + 0.0)
    return ends


@laws
@given(tables())
def test_twice_the_data_under_new_prompts_keep_rates_and_narrow_intervals(table):
    taxonomy, frame = table
    twice = pl.concat([frame, frame.with_columns(pl.col("prompt_id") + " again")])
    one, two = analyze(frame, taxonomy).population, analyze(twice, taxonomy).population
    for (_, few), (_, many) in zip(rates_of(one), rates_of(two), strict=True):
        assert (many.events, many.trials) == (2 * few.events, 2 * few.trials)
        assert many.missing == 2 * few.missing
        assert few.estimate == many.estimate
        if few.interval is not None:
            assert many.interval.high - many.interval.low < few.interval.high - few.interval.low
    assert one.shift.estimate == pytest.approx(two.shift.estimate)
    if one.shift.interval is not None:
        before, after = one.shift.interval, two.shift.interval
        assert before.low <= after.low <= after.high <= before.high


@laws
@given(tables(), st.sampled_from(["wilson", "clopper-pearson"]), st.sampled_from([0.8, 0.95, 0.99]))
def test_every_rate_says_how_it_was_made_and_none_claims_certainty(table, interval, confidence):
    taxonomy, frame = table
    result = analyze(frame, taxonomy, interval=interval, confidence=confidence)
    for population in populations(result):
        for _, rate in rates_of(population):
            said = rate.to_dict()
            if rate.trials == 0:
                assert said["method"] == "undefined"
                nothing = ("estimate", "low", "high", "confidence", "deff", "effective_n")
                assert {said[name] for name in nothing} == {None}
                continue
            assert (said["method"], said["confidence"]) == (interval, confidence)
            assert 0 <= said["low"] <= said["estimate"] <= said["high"] <= 1
            assert said["low"] < said["high"]
            if rate.deff is not None:
                assert rate.deff >= 1
                assert rate.effective_n <= rate.trials
            if rate.bootstrap is not None:
                assert 0 <= rate.bootstrap.low < rate.bootstrap.high <= 1
        for contrast in population.contrasts.items:
            inner, outer = contrast.interval, contrast.simultaneous
            assert -1 <= outer.low <= inner.low < inner.high <= outer.high <= 1
            assert inner.method == f"mover-{interval}"


@laws
@given(tables(), st.randoms(use_true_random=False))
def test_worst_case_holds_whatever_the_missing_labels_are(table, rng):
    taxonomy, frame = table
    labels = [f"{side}_{name}" for side in ("prompt", "response") for name in taxonomy.categories]
    highs = [[0, taxonomy.top], list(range(taxonomy.top + 1))]

    def completed(values, choices):
        return [rng.choice(choices) if value is None else value for value in values]

    for choices in highs:
        filled = frame.with_columns(
            *(pl.Series(name, completed(frame[name].to_list(), choices)) for name in labels)
        )
        if "prompt_benign" in frame.columns:
            benign = completed(frame["prompt_benign"].to_list(), [True, False])
            filled = filled.with_columns(pl.Series("prompt_benign", benign))
        if "relevance" in frame.columns:
            told = completed(frame["relevance"].to_list(), [1, 2, 3])
            filled = filled.with_columns(pl.Series("relevance", told))
        some = dict(rates_of(analyze(frame, taxonomy).population))
        every = dict(rates_of(analyze(filled, taxonomy).population))
        for place, rate in some.items():
            truth = every[place]
            assert truth.missing == 0
            if rate.worst_case is None:
                assert closed_form(truth)[:2] == closed_form(rate)[:2]
            elif truth.trials:
                low, high = rate.worst_case
                assert low - 1e-12 <= truth.estimate <= high + 1e-12


@laws
@given(tables())
def test_harmful_responses_stayed_or_came_in(table):
    taxonomy, frame = table
    for name, category in analyze(frame, taxonomy).population.categories.items():
        both = frame.drop_nulls([f"prompt_{name}", f"response_{name}"])
        harmful = (both[f"response_{name}"] >= taxonomy.harmful_from).sum()
        stayed, came = category.rates["persistence"], category.rates["drift_rate"]
        assert stayed.events + came.events == harmful
        if not len(both):
            assert (category.from_persistence, category.from_drift) == (None, None)
            continue
        assert category.from_persistence * len(both) == pytest.approx(stayed.events)
        assert category.from_drift * len(both) == pytest.approx(came.events)


@laws
@given(tables())
def test_no_metric_is_listed_twice(table):
    taxonomy, frame = table
    population = analyze(frame, taxonomy).population
    twins = {"severe_response", "category_reduction", "same_level", "category_escalation_room"}
    listed = [*population.overall] + [m for c in population.categories.values() for m in c.rates]
    assert (twins & set(listed) == set()) == (len(taxonomy.levels) == 2)


@laws
@given(tables(repeats=False))
def test_clusters_of_one_are_no_clusters(table):
    taxonomy, frame = table
    alone = analyze(frame.drop("prompt_id"), taxonomy, cluster="sample")
    apart = analyze(frame, taxonomy)
    assert timeless(alone, "clusters", "notes", "cases") == timeless(
        apart, "clusters", "notes", "cases"
    )
    assert all(rate.deff is None for _, rate in rates_of(alone.population))


@laws
@given(tables())
def test_groups_add_up_to_the_whole(table):
    taxonomy, frame = table
    result = analyze(frame, taxonomy, by="model")
    groups = result.groups["model"].values()
    assert sum(group.records for group in groups) == result.population.records
    for place, rate in rates_of(result.population):
        parts = [dict(rates_of(group))[place] for group in groups]
        assert sum(part.missing for part in parts) == rate.missing
        if not rate.missing:  # a group of which all is known counts all of its records
            assert sum(part.events for part in parts) == rate.events
            assert sum(part.trials for part in parts) == rate.trials
