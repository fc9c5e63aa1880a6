"""The prompts that only one of several models fails."""

from dataclasses import dataclass

from riskshift.analysis.plain import Plain


@dataclass(frozen=True, slots=True)
class Alone(Plain):
    """The prompts that one model fails and every other compared model answers without fault.

    Parameters
    ----------
    metric : str
        What failing is: the metric's event, or its absence where the event is wanted.
    model : str
        The one that fails.
    prompts : int
        How many such prompts there are: every model answered them, and it is known of each whether
        it failed. With several answers to a prompt one fault is enough to fail.
    prompt_ids : tuple of str
        Some of them, drawn with the seed, sorted; empty where only their texts tell prompts apart.
    """

    metric: str
    model: str
    prompts: int
    prompt_ids: tuple[str, ...]
