"""Differences of persistence between categories, on the same records."""

import numpy as np
import pytest

from riskshift import Taxonomy
from riskshift.analysis.rates import Settings
from riskshift.analysis.transitions.contrasts import persistence_contrasts
from riskshift.analysis.transitions.movement import categories
from riskshift.errors import UsageError
from riskshift.stats.proportion import mover_difference, wilson

FAST = Settings(resamples=400)


def contrasts(severities, settings=FAST, **options):
    rates = {
        name: category.rates["persistence"]
        for name, category in categories(severities, settings).items()
    }
    return persistence_contrasts(severities, rates, settings, **options)


def apart(kept_a, n_a, kept_b, n_b):
    """Prompts that are harmful in one category only."""
    rows = [(1, 0, int(i < kept_a), 0) for i in range(n_a)]
    return rows + [(0, 1, 0, int(i < kept_b)) for i in range(n_b)]


def test_categories_that_share_no_prompt_are_compared_as_independent(severities_of):
    (found,) = contrasts(severities_of(*apart(20, 40, 5, 50))).items
    wanted = mover_difference(20 / 40, wilson(20, 40), 5 / 50, wilson(5, 50))
    assert (found.a, found.b) == ("a", "b")
    assert found.difference == pytest.approx(0.5 - 0.1)
    # Which records fall to which category is random too, so the rates are not quite uncorrelated.
    assert (found.interval.low, found.interval.high) == pytest.approx(
        (wanted.low, wanted.high), abs=0.01
    )


def test_sharing_prompts_narrows_a_difference_of_rates_that_go_together(severities_of):
    rows = [(1, 1, int(i < 20), int(i < 16)) for i in range(40)]
    (found,) = contrasts(severities_of(*rows)).items
    alone = mover_difference(20 / 40, wilson(20, 40), 16 / 40, wilson(16, 40))
    assert found.interval.high - found.interval.low < 0.7 * (alone.high - alone.low)
    assert found.interval.low < 0.1 < found.interval.high


@pytest.mark.parametrize("kept", [0, 7, 20])
def test_rates_that_agree_everywhere_are_not_certain_to_be_equal(severities_of, kept):
    rows = [(1, 1, int(i < kept), int(i < kept)) for i in range(20)]
    (found,) = contrasts(severities_of(*rows)).items
    assert found.difference == 0
    assert found.interval.low < 0 < found.interval.high
    assert not found.distinguishable


def test_no_events_at_all_have_a_width_where_the_bootstrap_has_none(severities_of):
    (found,) = contrasts(severities_of(*apart(0, 30, 0, 30))).items
    assert (found.bootstrap, found.bootstrap_simultaneous) == (None, None)
    assert found.interval.low < 0 < found.interval.high
    assert found.to_dict()["bootstrap"] is None


def test_two_prompts_do_not_make_a_difference_certain(severities_of):
    rows = [(1, 1, 1, 0)] * 3 + [(1, 1, 0, 1)] * 3
    prompts = ["p"] * 3 + ["q"] * 3
    found = severities_of(*rows, prompt_id=prompts, sample=list("123456"))
    (contrast,) = contrasts(found).items
    assert contrast.interval.high - contrast.interval.low > 1


class TestFamily:
    @pytest.fixture
    def found(self, severities_of):
        three = Taxonomy(["a", "b", "c"], ["Safe", "Low", "High"])
        rows = [(1, 1, 1, int(i < 6), int(i < 18), int(i < 9)) for i in range(30)]
        return severities_of(*rows, taxonomy=three)

    def test_reference_is_the_highest_and_pays_for_all_pairs(self, found):
        made = contrasts(found)
        assert (made.reference, made.chosen_from_data) == ("b", True)
        assert [(c.a, c.b) for c in made.items] == [("b", "a"), ("b", "c")]
        for contrast in made.items:
            assert contrast.simultaneous.confidence == pytest.approx(1 - 0.05 / 3)

    def test_reference_named_in_advance_pays_for_its_own_pairs(self, found):
        made = contrasts(found, reference="a")
        assert (made.reference, made.chosen_from_data) == ("a", False)
        assert [(c.a, c.b) for c in made.items] == [("a", "b"), ("a", "c")]
        assert made.items[0].simultaneous.confidence == pytest.approx(1 - 0.05 / 2)

    def test_all_pairs(self, found):
        made = contrasts(found, all_pairs=True)
        assert (made.reference, made.chosen_from_data) == (None, False)
        assert [(c.a, c.b) for c in made.items] == [("b", "c"), ("b", "a"), ("c", "a")]
        assert made.items[0].simultaneous.confidence == pytest.approx(1 - 0.05 / 3)

    def test_swapping_the_sides_mirrors_the_contrast(self, found):
        one = contrasts(found, reference="a").items[0]
        other = contrasts(found, reference="b").items[0]
        assert (one.a, one.b) == (other.b, other.a)
        mirrored = (-other.interval.high, -other.interval.low)
        assert (one.interval.low, one.interval.high) == pytest.approx(mirrored, abs=1e-12)

    def test_simultaneous_intervals_hold_the_single_ones(self, found):
        for contrast in contrasts(found).items:
            single, joint = contrast.interval, contrast.simultaneous
            assert joint.low < single.low < contrast.difference < single.high < joint.high
            assert contrast.bootstrap_simultaneous.low <= contrast.bootstrap.low
            assert contrast.bootstrap_simultaneous.high >= contrast.bootstrap.high

    def test_distinguishable_is_by_the_simultaneous_interval(self, found):
        by_name = {c.b: c for c in contrasts(found).items}
        assert by_name["a"].distinguishable
        assert by_name["a"].simultaneous.low > 0
        assert not by_name["c"].distinguishable or by_name["c"].simultaneous.low > 0

    def test_intervals_for_all_at_once_rest_on_exact_limits(self, found):
        for contrast in contrasts(found).items:
            assert contrast.interval.method == "mover-wilson"
            assert contrast.simultaneous.method == "mover-clopper-pearson"
            assert contrast.enough

    @pytest.mark.parametrize(
        ("prompts", "copies", "enough"), [(9, 1, False), (10, 1, True), (5, 2, False)]
    )
    def test_ten_records_are_enough_unless_they_repeat(
        self, severities_of, prompts, copies, enough
    ):
        rows = [(1, 0, 1, 0)] * prompts + [(0, 1, 0, 0)] * 40
        names, samples = np.arange(len(rows)), np.arange(copies)
        found = severities_of(
            *rows * copies,
            prompt_id=[f"p{i}" for _ in samples for i in names],
            sample=[str(i) for i in samples for _ in names],
        )
        assert contrasts(found).items[0].enough == enough

    def test_plain_data_say_how_the_family_was_chosen(self, found):
        said = contrasts(found).to_dict()
        assert {(c["family"], c["reference_chosen_from_data"]) for c in said} == {
            ("reference", True)
        }
        assert said[0]["metric"] == "persistence"
        assert said[0]["low"] == contrasts(found).items[0].interval.low

    def test_category_without_harmful_prompts_takes_no_part(self, severities_of):
        three = Taxonomy(["a", "b", "c"], ["Safe", "Low"])
        rows = [(1, 0, 1, 1, 0, 0), (1, 0, 1, 0, 0, 1), (0, 0, 0, 0, 0, 0)] * 4
        made = contrasts(severities_of(*rows, taxonomy=three))
        assert {(c.a, c.b) for c in made.items} == {("a", "c")}
        assert made.items[0].simultaneous.confidence == pytest.approx(0.95)

    def test_nothing_to_compare(self, severities_of):
        assert contrasts(severities_of((1, 0, 1, 0))).items == ()
        assert contrasts(severities_of((0, 0, 1, 0))).to_dict() == []

    def test_unknown_reference_names_the_categories(self, found):
        with pytest.raises(UsageError, match=r"reference category 'd' is unknown.*a, b, c"):
            contrasts(found, reference="d")
