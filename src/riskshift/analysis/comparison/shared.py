"""Which models can be compared, and which prompts they share."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations

from riskshift.analysis.comparison.matching import Matching
from riskshift.analysis.plain import Plain
from riskshift.counts.pairs import Grouped
from riskshift.errors import DataError, UsageError, unknown_choice


@dataclass(frozen=True, slots=True)
class Shared(Plain):
    """Which prompts the models share.

    Parameters
    ----------
    prompts : int
        All prompts.
    shared : int
        Prompts that every compared model answered.
    lacking : dict of str to int
        Prompts that each model did not answer.
    examples : dict of str to tuple of str
        Some of them, by id.
    """

    prompts: int
    shared: int
    lacking: dict[str, int]
    examples: dict[str, tuple[str, ...]] = field(default_factory=dict)


def grouped_by_model(groups: dict[str, Grouped], model: str | None) -> Grouped:
    """Return the counts by model.

    Raises
    ------
    DataError
        If the data has no models to compare.
    """
    if model is None or model not in groups:
        raise DataError(
            "there is only one model to compare. Give a file with a model column and two models in it, or one file "
            "a model."
        )
    return groups[model]


def pick_models(
    names: Sequence[str], baseline: str | None, candidates: Sequence[str]
) -> list[tuple[int, int]]:
    """Return the pairs to compare, as (baseline, candidate) positions.

    Raises
    ------
    UsageError
        If a model is not there, or would be compared with itself.
    """
    for name in filter(None, (baseline, *candidates)):
        if name not in names:
            raise unknown_choice("model", name, names)
    if baseline is not None and baseline in candidates:
        raise UsageError(f"model {baseline!r} is named as baseline and as candidate.")
    if len(set(candidates)) < len(candidates):
        raise UsageError("a candidate is named twice.")
    if baseline is not None:
        chosen = candidates or [name for name in names if name != baseline]
        return [(names.index(baseline), names.index(name)) for name in chosen]
    chosen = candidates or names
    if len(chosen) < 2:
        raise UsageError(
            f"one model alone cannot be compared. Name a --baseline. Models: {', '.join(names)}."
        )
    return list(combinations(sorted(names.index(name) for name in chosen), 2))


def shared_prompts(matching: Matching, pairs: Sequence[tuple[int, int]]) -> Shared:
    """Count the prompts that the compared models share and lack.

    Raises
    ------
    DataError
        If no prompt was answered by both models of any pair.
    """
    models = sorted({at for pair in pairs for at in pair})
    answered = matching.answered[:, models]
    weight = matching.weight[answered.any(axis=1)]
    answered = answered[answered.any(axis=1)]
    if not any(
        (answered[:, models.index(a)] & answered[:, models.index(b)]).any() for a, b in pairs
    ):
        raise DataError(
            f"no prompt was answered by two of {', '.join(matching.names[at] for at in models)}. Models are compared "
            "on the same prompts: give their records equal prompt_id."
        )
    lacking = {
        matching.names[at]: int(weight[~answered[:, i]].sum()) for i, at in enumerate(models)
    }
    return Shared(int(weight.sum()), int(weight[answered.all(axis=1)].sum()), lacking)
