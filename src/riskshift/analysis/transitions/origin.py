"""How escalations come about: from harmless prompts or from harmful ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from riskshift.analysis.plain import Plain
from riskshift.analysis.rates import Rate, Settings, estimate_rate
from riskshift.analysis.severities import Condition, Severities, Values
from riskshift.counts.clusters import BoolArray


@dataclass(frozen=True, slots=True)
class Origin(Plain):
    """One way in which escalations come about.

    Parameters
    ----------
    of_escalations : Rate
        Its share of the escalations.
    of_records : Rate
        Its share of all records.
    """

    of_escalations: Rate
    of_records: Rate

    shape: ClassVar[str] = "events of_escalations of_records"

    @property
    def events(self) -> int:
        """Escalations of this origin."""
        return self.of_records.events


@dataclass(frozen=True, slots=True)
class EscalationOrigin(Plain):
    """How escalations come about, and where they land.

    Parameters
    ----------
    unsolicited_elaboration : Origin
        From a harmless prompt: nobody asked for it.
    compliance_escalation : Origin
        From a harmful prompt: the response goes further than what was asked.
    topic_mandated : Origin or None
        The part of unsolicited elaboration on prompts that the benchmark itself calls benign: an
        honest answer to a legitimate question that the rubric rates severe. None where the data
        does not say.
    landing_severity : dict of int to int
        Escalations by the severity of the response.
    """

    unsolicited_elaboration: Origin
    compliance_escalation: Origin
    topic_mandated: Origin | None
    landing_severity: dict[int, int]


def escalation_origin(severities: Severities, settings: Settings) -> EscalationOrigin:
    """Tell how escalations come about."""
    counts = severities.counts

    def origin(name: str, condition: Condition, needs: Sequence[str] = ("p", "r")) -> Origin:
        of_escalations = severities.ask(condition, _escalated, needs)
        of_records = severities.ask(lambda v: _escalated(v) & condition(v), _all, needs)
        return Origin(
            estimate_rate(name, counts, of_escalations, settings, stream=f"{name} of escalations"),
            estimate_rate(name, counts, of_records, settings, stream=f"{name} of records"),
        )

    mandated = None
    if counts.benign is not None:
        needs = ("p", "r", "benign")
        mandated = origin("topic_mandated", lambda v: (v.p < v.h) & (v.benign == 1), needs)
    _, rose = severities.ask(_escalated, _all, ("p", "r")).counted
    at = {
        level: int(counts.n[rose & (severities.response.value == level)].sum())
        for level in range(1, severities.top + 1)
    }
    return EscalationOrigin(
        origin("unsolicited_elaboration", lambda v: v.p < v.h),
        origin("compliance_escalation", lambda v: v.p >= v.h),
        mandated,
        at,
    )


def _escalated(v: Values) -> BoolArray:
    return v.r > v.p


def _all(v: Values) -> BoolArray:
    return np.ones_like(v.p, dtype=np.bool_)
