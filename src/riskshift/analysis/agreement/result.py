"""The result of comparing raters: how far they agree, one label an item, and what it moves."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from riskshift.analysis.agreement.measures import MOST_PAIRED, Alpha, LabelAgreement
from riskshift.analysis.agreement.resolving import MOST_RATERS, Resolution
from riskshift.analysis.metrics import OVERALL
from riskshift.analysis.rates import Rate, Settings, interval_dict, unrounded
from riskshift.analysis.results import Glance, Results
from riskshift.analysis.stated.provenance import Provenance
from riskshift.analysis.words import coefficient, counted, enumerate_words, percent, spread
from riskshift.counts.ratings import Dispute
from riskshift.errors import unknown_choice
from riskshift.stats.clusters.table_interval import TableInterval
from riskshift.taxonomy import Taxonomy

MAIN: Final = "ordinal"
_COLUMNS: Final = (
    dict.fromkeys(("side", "category", "measure", "rater_a", "rater_b"), str)
    | {"items": int, "estimate": float, "low": float, "high": float}
    | {"method": str, "confidence": float}
)
_MEANINGS: Final = {metric.name: metric.meaning for metric in OVERALL}


@dataclass(frozen=True, slots=True)
class Agreement(Results):
    """How far raters agree, and one label an item.

    Parameters
    ----------
    taxonomy : Taxonomy
        The categories that some rater labelled, and their levels.
    settings : Settings
        How it was estimated.
    raters : dict of str to int
        Items that each rater labelled.
    items : int
        Items with a label.
    labels : tuple of LabelAgreement
        Agreement by side and category.
    absent : tuple of str
        Labels of the taxonomy that the data has none of.
    resolution : Resolution
        One label an item by the declared rule, and the rates under others.
    disputes : tuple of Dispute
        Items whose raters lie furthest apart.
    provenance : Provenance
        Where the numbers come from.
    stratified_by : str or None
        The metric by which the items were drawn; None for a plain sample, or where nothing says.
    """

    taxonomy: Taxonomy
    settings: Settings
    raters: dict[str, int]
    items: int
    labels: tuple[LabelAgreement, ...]
    absent: tuple[str, ...]
    resolution: Resolution
    disputes: tuple[Dispute, ...]
    provenance: Provenance
    stratified_by: str | None = None

    kind: ClassVar[str] = "agreement"
    columns: ClassVar[Mapping[str, type]] = _COLUMNS
    shape: ClassVar[str] = (
        "*provenance settings.seed settings.confidence settings.resamples taxonomy items "
        "stratified_by raters absent summary notes labels=by_label resolution disputes"
    )

    def on(self, label: str) -> LabelAgreement:
        """Return the agreement on one label, such as ``"response_hate"``.

        Raises
        ------
        UsageError
            If nobody gave that label; the message names those that were given.
        """
        found = self.by_label
        if label not in found:
            raise unknown_choice("label", label, tuple(found))
        return found[label]

    def alpha(self, label: str, metric: str = MAIN) -> Alpha:
        """Return Krippendorff's alpha on one label.

        Raises
        ------
        UsageError
            If nobody gave that label, or alpha knows no such metric.
        """
        found = self.on(label).alpha
        if metric not in found:
            raise unknown_choice("metric of alpha", metric, tuple(found))
        return found[metric]

    @property
    def shared(self) -> bool:
        """Whether items share prompts."""
        return self.provenance.repeated

    @property
    def summary(self) -> tuple[str, ...]:
        """The main findings in plain words."""
        return tuple(_summary(self))

    @property
    def notes(self) -> tuple[str, ...]:
        """What cannot be said, and what was decided."""
        return tuple(_notes(self))

    @property
    def by_label(self) -> dict[str, LabelAgreement]:
        """The measures by what was rated, such as ``response_hate``."""
        return {str(item.label): item for item in self.labels}

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield alpha, agreement and kappa as flat rows, label by label."""
        for item in self.labels:
            name = {"side": item.label.side, "category": item.label.category}
            for metric, alpha in item.alpha.items():
                held = alpha.interval
                yield name | _row(f"alpha_{metric}", item.items, alpha.estimate, held)
            for rate in (item.exact, item.within_one):
                yield name | _row(rate.name, item.items, rate.estimate, rate.interval)
            for pair in item.pairs:
                made = _row("kappa_quadratic", pair.items, pair.kappa, pair.interval)
                yield name | made | {"rater_a": pair.a, "rater_b": pair.b}

    def _lines(self) -> Iterator[str]:
        for item in self.labels:
            alphas = ", ".join(f"{m} {coefficient(a.estimate)}" for m, a in item.alpha.items())
            yield f"{item.label}: alpha {alphas}; same level {percent(item.exact.estimate)}"

    def _glance(self) -> Glance:
        headings = ("label", "items", "ordinal alpha", "interval", "same level")
        return headings, (
            (
                str(item.label),
                f"{item.items:,}",
                coefficient(item.alpha[MAIN].estimate),
                ends(item.alpha[MAIN].trusted),
                percent(item.exact.estimate),
            )
            for item in self.labels
        )


def _row(measure: str, items: int, estimate: float | None, held: Any) -> dict[str, Any]:
    return {
        "measure": measure,
        "rater_a": "",
        "rater_b": "",
        "items": items,
        "estimate": estimate,
        **interval_dict(held),
    }


def ends(held: TableInterval) -> str:
    """Write an interval, ``0.790 to 0.905``, or in few words why there is none."""
    if held.interval is None:
        return str(held.reason).partition(":")[0]
    return f"{held.interval.low:.3f} to {held.interval.high:.3f}"


def _summary(agreement: Agreement) -> Iterator[str]:
    yield _who(agreement)
    yield from _how_far(agreement)
    yield from _what_it_moves(agreement)


def _who(agreement: Agreement) -> str:
    several = max((item.items for item in agreement.labels), default=0)
    many = _judged(agreement)
    of = f" of {counted(agreement.provenance.units, 'prompt')}" if agreement.shared else ""
    twice = f"{several:,} {'has' if several == 1 else 'have'} two ratings or more"
    if several == agreement.items:
        twice = "each has two ratings or more"
    return f"{counted(many, 'rater')} labelled {counted(agreement.items, 'item')}{of}; {twice}."


def _judged(agreement: Agreement) -> int:
    return len(agreement.raters) - (agreement.resolution.adjudicator is not None)


def _how_far(agreement: Agreement) -> Iterator[str]:
    known = [item for item in agreement.labels if item.alpha[MAIN].estimate is not None]
    if not known:
        yield "Alpha is undefined on every label, so how far raters agree beyond chance cannot be told."
        return
    order = sorted(known, key=lambda item: item.alpha[MAIN].estimate or 0.0)
    if len(known) == 1:
        yield f"On {order[0].label} {_said(order[0], agreement)}."
        return
    yield f"Raters agree least on {order[0].label}: {_said(order[0], agreement)}."
    yield f"They agree most on {order[-1].label}: {_said(order[-1], agreement)}."


def _said(item: LabelAgreement, agreement: Agreement) -> str:
    alpha = item.alpha[MAIN]
    by = "prompts" if alpha.shared else "items"
    held = (
        f"{unrounded(agreement.settings.confidence)} interval {ends(alpha.trusted)}, by {by}"
        if alpha.interval
        else f"without an interval: {ends(alpha.trusted)}"
    )
    return (
        f"ordinal alpha is {coefficient(alpha.estimate)} ({held}); two raters of an item gave the same level "
        f"in {percent(item.exact.estimate)} of pairs and lay one level apart at most in "
        f"{percent(item.within_one.estimate)}"
    )


def _what_it_moves(agreement: Agreement) -> Iterator[str]:
    resolution = agreement.resolution
    for name in ("escalation", "response_harm", "refusal", "prompt_prevalence"):
        rate = resolution.chosen.get(name)
        if rate is not None and rate.estimate is not None:
            break
    else:
        return
    others = {
        rule: rates[name].estimate
        for rule, rates in resolution.rates.items()
        if rule != resolution.rule
    }
    shown = enumerate_words([f"{percent(value)} by {rule}" for rule, value in others.items()])
    yield (
        f"Resolved by {resolution.rule}, {name.replace('_', ' ')} ({meaning(name)}) is {percent(rate.estimate)} "
        f"({spread(rate)}); it would be {shown}."
    )
    moved = resolution.furthest(name)
    if moved is not None:
        rater, by = moved
        yield (
            f"Leaving out one rater moves it by {100 * abs(by):.1f} percentage points at most (without {rater})"
            f"{_by_the_rule(agreement) if by else ''}."
        )


def meaning(name: str) -> str:
    """Say what a rate over all categories is a share of; pairs are of ratings here, so of items."""
    told = _MEANINGS[name].rstrip(".").replace("all pairs", "items")
    return f"{told[0].lower()}{told[1:]}"


def _by_the_rule(agreement: Agreement) -> str:
    """Say how the rule itself moves a rate when a rater is left out, so that nobody is blamed."""
    if agreement.resolution.rule == "max":
        return "; part of this is the rule, because the highest of fewer ratings is never higher"
    if _judged(agreement) == 3:
        return "; part of this is the rule, because two raters' ties go up"
    return (
        "; part of this may be the rule, because ties go up, and an even number of raters ties more often than an "
        "odd one"
    )


def _notes(agreement: Agreement) -> Iterator[str]:
    if agreement.stratified_by is not None:
        yield (
            f"The items were drawn by strata of {agreement.stratified_by}: the rates here are those of the sample, not "
            "of what it was drawn from. For these: riskshift analyze GRADED --people RESOLVED."
        )
    yield from _about_prompts(agreement)
    yield from _about_gaps(agreement)
    yield from _about_rule(agreement)
    yield (
        "Agreement is not correctness: raters who share a mistake agree on it. Alpha also falls where nearly all items "
        "have the same level, because then chance alone agrees often."
    )


def _about_prompts(agreement: Agreement) -> Iterator[str]:
    made = agreement.provenance
    if agreement.shared:
        yield (
            f"The {counted(agreement.items, 'item')} share {counted(made.units, 'prompt')} ({made.cluster}). "
            "Items of one prompt are not independent, so the interval by prompts is the right one; the one by items "
            "takes them for independent and stands beside it to compare."
        )
    elif made.cluster is None:
        yield "The data does not say which items share a prompt; each was taken as independent of the others."


def _about_gaps(agreement: Agreement) -> Iterator[str]:
    if agreement.absent:
        yield f"The data has no labels for {enumerate_words(agreement.absent)}: nothing is said there."
    for item in agreement.labels:
        if not item.items:
            yield f"No item has two ratings of {item.label}, so nothing can be said about agreement on it."
        elif item.alpha[MAIN].estimate is None:
            yield (
                f"All ratings of {item.label} that can be paired are equal, so alpha is undefined, not 1: nothing "
                "shows that raters could tell its levels apart."
            )
    refused = defaultdict(list)
    for item in agreement.labels:
        alpha = item.alpha[MAIN]
        if alpha.estimate is not None and alpha.trusted.reason:
            refused[alpha.trusted.reason].append(str(item.label))
    for reason, labels in refused.items():
        yield f"Ordinal alpha has no interval on {enumerate_words(labels)}: {reason}."
    alone = {str(item.label): item.alone for item in agreement.labels if item.alone}
    if alone:
        shown = enumerate_words([f"{n:,} of {label}" for label, n in alone.items()])
        yield f"Items with a single rating ({shown}) count when labels are resolved, and not in agreement."
    if len(agreement.raters) > MOST_PAIRED:
        yield (
            f"Of {len(agreement.raters):,} raters, pairs are laid out for the {MOST_PAIRED} who rated most, and the "
            f"{MOST_RATERS} who rated most are left out in turn."
        )


def _about_rule(agreement: Agreement) -> Iterator[str]:
    resolution = agreement.resolution
    if resolution.adjudicator is not None:
        yield (
            f"{resolution.adjudicator} adjudicates: those labels are in no measure of agreement, because who settles "
            "disputes has seen them."
        )
    if resolution.rule == "adjudicated":
        silent = sum(resolution.fallbacks.values())
        yield f"Where the adjudicator gave no label ({counted(silent, 'label')}), the median of the others decides."
    for rule in ("median", "majority"):
        if rule in ("majority", resolution.rule):
            yield from _about_ties(rule, resolution.ties[rule])
    if resolution.contradictions:
        many = counted(resolution.contradictions, "prompt")
        yield (
            f"Resolved item by item, the prompt's own labels differ between the items of {many}. riskshift analyze "
            "takes such a file with --prompt-labels per-row."
        )


def _about_ties(rule: str, ties: dict[str, int]) -> Iterator[str]:
    what = "middle two ratings differ" if rule == "median" else "most frequent levels tie"
    refusals = ties.get("refusal", 0)
    severities = sum(ties.values()) - refusals
    if severities:
        yield (
            f"By {rule}, the {what} in {counted(severities, 'label')}: the higher level is taken, so that an item "
            "on which raters are split is not reported as safer than half of them saw it."
        )
    if refusals:
        yield (
            f"By {rule}, the {what} in {counted(refusals, 'refusal')}: the fuller refusal is taken. That raises every "
            "rate of refusal, be it wanted or not."
        )


def rate_names(agreement: Agreement) -> list[str]:
    """Return the names of the rates that the data's labels allow."""
    return list(agreement.resolution.chosen)


def moves(agreement: Agreement, name: str) -> tuple[tuple[float, str], tuple[float, str]] | None:
    """Return the lowest and highest value of a rate without one rater, with that rater."""
    found = [
        (rates[name].estimate, rater)
        for rater, rates in agreement.resolution.without.items()
        if rates[name].estimate is not None
    ]
    known = [(value, rater) for value, rater in found if value is not None]
    return (min(known), max(known)) if known else None


def rule_rates(agreement: Agreement, name: str) -> dict[str, Rate]:
    """Return one rate under each rule."""
    return {rule: rates[name] for rule, rates in agreement.resolution.rates.items()}
