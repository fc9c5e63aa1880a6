"""promptfoo: results of evals and of red teaming, as JSON and as JSON lines."""

from collections.abc import Mapping
from typing import Any, Final

from riskshift.formats.declared import Column, Declared
from riskshift.formats.exchange import ERROR, NO_RESPONSE, digest
from riskshift.formats.format import Format, Refused
from riskshift.formats.json_text import at
from riskshift.formats.log import Log

# What promptfoo's own red-team graders are called; any other assertion is the user's.
_GRADER: Final = "promptfoo:redteam:"
_REDTEAM: Final = "redteam"
_FAILED: Final = 2


def _recognised(log: Log) -> bool:
    if "results.results" in log.paths:
        return True
    return log.holds("provider") and log.holds("prompt.raw") and log.holds("success")


def _is_error(record: Any) -> bool:
    # `error` repeats the reason of every failed assertion, so it says nothing.
    reason = record.get("failureReason")
    if reason is not None:
        return bool(reason == _FAILED)
    return at(record, "response.error") is not None or record.get("gradingResult") is None


def _is_blocked(record: Any) -> bool:
    finish, flagged = at(record, "response.finishReason"), at(record, "response.guardrails.flagged")
    return finish == "content_filter" or flagged is True


def _intent(record: Any) -> Any:
    return at(record, "metadata.originalText") or at(record, "prompt.raw")


def _sent(record: Any) -> Any:
    # Attacks of several steps keep the goal as their prompt; what was sent last stands elsewhere.
    return at(record, "response.metadata.redteamFinalPrompt") or at(record, "prompt.raw")


def _prompt_id(record: Any) -> str:
    # testIdx counts runs and not prompts: a repeat has another one. Attacks on one goal share it.
    if at(record, "metadata.pluginId"):
        return digest(_intent(record))
    told = {name: value for name, value in (record.get("vars") or {}).items() if name[:1] != "_"}
    return digest([at(record, "prompt.raw"), told])


def _model(record: Any) -> Any:
    return at(record, "provider.label") or at(record, "provider.id") or record.get("provider")


def _scores(record: Any) -> Mapping[str, Any]:
    """Return what each assertion said, the whole verdict, and apart what red-team graders said."""
    result = record.get("gradingResult") or {}
    parts = result.get("componentResults") or []
    if not parts and result.get("reason") == "No assertions":
        return {}
    scores = {"pass": result.get("pass")}
    for part in parts:
        name = at(part, "assertion.metric") or at(part, "assertion.type")
        if name:
            scores[_free(name, scores)] = part.get("pass")
    named = result.get("namedScores") or record.get("namedScores") or {}
    scores |= {name: value for name, value in named.items() if name not in scores}
    asserted = [str(one.get("type")) for one in at(record, "testCase.assert") or []]
    if asserted and all(kind.startswith(_GRADER) for kind in asserted):
        scores[_REDTEAM] = result.get("pass")
    return scores


def _free(name: str, taken: Mapping[str, Any]) -> str:
    number, own = 1, name
    while own in taken:
        number += 1
        own = f"{name} {number}"
    return own


PROMPTFOO: Final = Format(
    name="promptfoo",
    title="promptfoo: eval and red-team results (JSON, JSON lines)",
    labels=(
        "Responses, where promptfoo's own red-team graders judged them: Harmful if the attack worked. Prompts are not "
        "labelled, and what other assertions mean must be declared."
    ),
    source=(
        "Files written by promptfoo 0.123.1, of a red-team run of August 2025 (results.version 3) and of an eval of "
        "November 2023 (results.version 2)."
    ),
    recognise=_recognised,
    known={_REDTEAM: "safe"},
    entries=Declared(
        lists=("results.results",),
        versions={"results.version": (2, 3)},
        facts={
            "version": "metadata.promptfooVersion",
            "date": "results.timestamp",
            "description": "config.description",
            "purpose": "config.redteam.purpose",
        },
        left_out=(
            (ERROR, _is_error),
            (NO_RESPONSE, lambda record: at(record, "response.output") is None),
        ),
        blocked=_is_blocked,
        scores=_scores,
        repeats=("prompt_id", "model", "strategy"),
        columns=(
            Column("prompt_id", _prompt_id),
            Column("model", _model),
            Column("prompt", _sent, required=True),
            Column("prompt_intent", _intent),
            Column("response", "response.output"),
            Column(
                "template",
                lambda record: at(record, "prompt.label") or at(record, "prompt.display"),
            ),
            Column("plugin", "metadata.pluginId"),
            Column("strategy", "metadata.strategyId"),
            Column("harm_category", "metadata.harmCategory"),
            Column("severity", "metadata.severity"),
            Column("goal", "metadata.goal"),
        ),
    ),
)

PROMPTFOO_CSV: Final = Refused(
    name="promptfoo's table of results (CSV)",
    recognise=lambda log: {"Status", "Score", "Grader Reason"} <= set(log.columns),
    why=(
        "It does not tell blocked responses from answers, nor which score is whose. Export JSON or JSON lines: "
        "promptfoo export eval ID -o results.json."
    ),
)
