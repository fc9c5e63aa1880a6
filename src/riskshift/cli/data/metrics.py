"""riskshift metrics: the rates that can be asked for."""

import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from riskshift.cli.printing import put

if TYPE_CHECKING:
    from riskshift.analysis.metrics import Metric

_LEGEND: Final = (
    "Severities run from 0 to K-1, and are harmful from h on. p and r are the highest of a prompt and of its response "
    "over all categories, p_c and r_c those in one category."
)
_WANTED: Final = {True: "less is better", False: "more is better", None: "neither good nor bad"}
_NEEDED: Final = {
    "p": "prompt labels",
    "p_c": "prompt labels",
    "r": "response labels",
    "r_c": "response labels",
    "refusal": "the column refusal",
    "benign": "the column prompt_benign",
    "relevance": "the column relevance",
}


def metrics() -> None:
    """List every metric: its formula, whether less or more of it is better, what it needs."""
    from riskshift.analysis.metrics import CATEGORY, OVERALL

    lines = [*textwrap.wrap(_LEGEND, 80), "", "Over all categories, such as escalation:"]
    lines += [line for metric in OVERALL for line in _told(metric)]
    lines += ["", "In one category, such as persistence[sexual]:"]
    lines += [line for metric in CATEGORY for line in _told(metric)]
    put("\n".join(lines) + "\n")


def _told(metric: "Metric") -> Iterator[str]:
    needed = ", ".join(dict.fromkeys(_NEEDED[name] for name in metric.needs))
    among = "" if metric.given_formula == "all" else f", among {metric.given_formula}"
    yield f"  {metric.name}"
    said = (
        metric.meaning,
        f"{metric.event_formula}{among}; {_WANTED[metric.bad]}; needs {needed}.",
    )
    for sentence in said:
        yield from textwrap.wrap(sentence, 76, initial_indent="    ", subsequent_indent="    ")
