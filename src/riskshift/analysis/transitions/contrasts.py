"""Which categories persist more than others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Any, ClassVar, Final, Literal

from riskshift.analysis.metrics import choose
from riskshift.analysis.plain import Plain, Signed, SignedInterval
from riskshift.analysis.rates import INTERVALS, Rate, Settings, summed
from riskshift.analysis.severities import Severities
from riskshift.errors import unknown_choice
from riskshift.stats.clusters.joint import contrast_intervals
from riskshift.stats.multiple import bonferroni
from riskshift.stats.proportion import Interval
from riskshift.stats.resample import Bootstrap, bootstrap_difference, generator

METRIC: Final = "persistence"


@dataclass(frozen=True, slots=True)
class Contrast(Plain):
    """Difference of one metric between two categories, ``a - b``, on the same records.

    Parameters
    ----------
    metric : str
        What is compared.
    a : str
        A category.
    b : str
        Another category; the difference is a - b.
    difference : float
        Point estimate.
    interval : Interval
        For this contrast alone: MOVER from the intervals of the two rates.
    simultaneous : Interval
        For all contrasts of the family at once: MOVER from Clopper-Pearson intervals at the
        Bonferroni level. Wilson's lower end is too high where events are few, and of several
        categories the rare event is picked by being the highest.
    enough : bool
        Whether both rates rest on at least `ENOUGH` records (effective ones where prompts repeat).
    bootstrap, bootstrap_simultaneous : Bootstrap or None
        The same from resampling whole records (whole prompts where they repeat).
    ends : tuple of Interval
        Simultaneous intervals with the missing labels so that the difference is lowest, and
        highest; empty if all is known.
    """

    metric: str
    a: str
    b: str
    difference: Signed
    interval: SignedInterval
    simultaneous: SignedInterval
    enough: bool
    bootstrap: Bootstrap | None
    bootstrap_simultaneous: Bootstrap | None
    ends: tuple[Interval, ...] = ()

    shape: ClassVar[str] = (
        "metric a b difference interval simultaneous enough bootstrap?(bootstrap.low "
        "bootstrap.high simultaneous_low=bootstrap_simultaneous.low "
        "simultaneous_high=bootstrap_simultaneous.high bootstrap.resamples bootstrap.method)"
    )

    @property
    def distinguishable(self) -> bool:
        """Whether there is enough to tell, and zero is left out whatever the missing labels are."""
        held = (self.simultaneous, *self.ends)
        apart = all(end.low > 0 for end in held) or all(end.high < 0 for end in held)
        return self.enough and apart


@dataclass(frozen=True, slots=True)
class Contrasts:
    """The contrasts of one family and how it was chosen.

    Parameters
    ----------
    items : tuple of Contrast
        The differences.
    reference : str or None
        The category that the others are compared with; None where all pairs are.
    chosen_from_data : bool
        Whether the reference was picked because it came out highest, which the simultaneous
        intervals then allow for.
    """

    items: tuple[Contrast, ...]
    reference: str | None
    chosen_from_data: bool

    @property
    def told(self) -> tuple["ToldContrast", ...]:
        """The differences, each with how the family was chosen."""
        family: Literal["reference", "all pairs"] = (
            "all pairs" if self.reference is None else "reference"
        )
        return tuple(ToldContrast(item, family, self.chosen_from_data) for item in self.items)

    def to_dict(self) -> list[dict[str, Any]]:
        """Return the contrasts as plain data."""
        return [item.to_dict() for item in self.told]


@dataclass(frozen=True, slots=True)
class ToldContrast(Plain):
    """The persistence of one category minus that of another, and the family it is of.

    Parameters
    ----------
    contrast : Contrast
        The difference.
    family : {"reference", "all pairs"}
        Whether one category is compared with all others, or all with all.
    chosen : bool
        Whether the reference was picked because it came out highest.
    """

    contrast: Contrast
    family: Literal["reference", "all pairs"]
    chosen: bool

    shape: ClassVar[str] = "*contrast family reference_chosen_from_data=chosen"


def persistence_contrasts(
    severities: Severities,
    rates: Mapping[str, Rate],
    settings: Settings,
    *,
    reference: str | None = None,
    all_pairs: bool = False,
) -> Contrasts:
    """Compare the persistence of categories.

    Parameters
    ----------
    severities : Severities
        The patterns.
    rates : mapping of str to Rate
        Persistence by category.
    settings : Settings
        How to estimate.
    reference : str, optional
        Compare the others with this category; default: the one with the highest persistence.
    all_pairs : bool, default False
        Compare every pair.

    Returns
    -------
    Contrasts
        Only categories in which some prompt is harmful take part.

    Raises
    ------
    UsageError
        If `reference` is not a category.

    References
    ----------
    .. [1] G. Y. Zou, A. Donner, "Construction of confidence limits about effect measures: a
       general approach", Statistics in Medicine 27 (2008), p. 1693-1702.
    .. [2] C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in
       the case of the binomial", Biometrika 26 (1934), p. 404-413.
    """
    if reference is not None and reference not in rates:
        raise unknown_choice("reference category", reference, list(rates))
    estimates = {name: rate.estimate for name, rate in rates.items() if rate.estimate is not None}
    if len(estimates) < 2 or (reference is not None and reference not in estimates):
        return Contrasts((), reference, chosen_from_data=False)
    ranked = sorted(estimates, key=lambda name: -estimates[name])
    if all_pairs:
        pairs: Sequence[tuple[str, str]] = list(combinations(ranked, 2))
    else:
        first = reference or ranked[0]
        pairs = [(first, name) for name in estimates if name != first]
    # A reference picked from the data could have been any, so every pair counts.
    family = len(pairs) if reference is not None else comb(len(estimates), 2)
    items = tuple(_contrast(severities, a, b, settings, family) for a, b in pairs)
    return Contrasts(items, None if all_pairs else pairs[0][0], reference is None and not all_pairs)


def _contrast(severities: Severities, a: str, b: str, settings: Settings, family: int) -> Contrast:
    taxonomy = severities.counts.taxonomy
    questions = [
        choice.answers(severities)
        for name in (a, b)
        for choice in choose(f"{METRIC}[{name}]", taxonomy)
    ]
    cells, weight = summed(severities.counts, *questions)
    x_a, n_a, x_b, n_b = cells.T
    wide = bonferroni(settings.confidence, family)
    interval, simultaneous, enough = contrast_intervals(
        x_a,
        n_a,
        x_b,
        n_b,
        weight,
        confidence=settings.confidence,
        wide=wide,
        method=INTERVALS[settings.interval],
        random_groups=severities.counts.in_groups,
    )
    boot, boot_wide = None, None
    if settings.bootstrapped and not severities.counts.in_groups:
        boot, boot_wide = bootstrap_difference(
            x_a,
            n_a,
            x_b,
            n_b,
            weight,
            resamples=settings.resamples,
            confidence=settings.confidence,
            simultaneous=wide,
            rng=generator(settings.seed, "contrast", a, b),
        )
    ends: list[Interval] = []
    if not all(answers.whole for answers in questions):
        for high in (False, True):
            columns = [
                mask
                for answers, of in zip(questions, (high, not high), strict=True)
                for mask in reversed(answers.settled(high=of))
            ]
            settled, times = severities.counts.sums(*columns)
            ends.append(
                contrast_intervals(
                    settled[:, 0],
                    settled[:, 1],
                    settled[:, 2],
                    settled[:, 3],
                    times,
                    confidence=settings.confidence,
                    wide=wide,
                    method=INTERVALS[settings.interval],
                    random_groups=severities.counts.in_groups,
                )[1]
            )
    difference = float(weight @ x_a) / float(weight @ n_a) - float(weight @ x_b) / float(
        weight @ n_b
    )
    return Contrast(
        METRIC, a, b, difference, interval, simultaneous, enough, boot, boot_wide, tuple(ends)
    )
