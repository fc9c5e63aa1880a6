"""The formats that are known, in the order in which a log is held against them."""

from collections.abc import Sequence
from typing import Final

from riskshift.errors import unknown_choice
from riskshift.formats.benchmarks.datasets import DATA_SETS
from riskshift.formats.benchmarks.every_eval_ever import EVERY_EVAL_EVER
from riskshift.formats.benchmarks.harmbench import HARMBENCH
from riskshift.formats.benchmarks.helm import HELM, HELM_BESIDE, HELM_CHOICE
from riskshift.formats.benchmarks.jailbreakbench import JAILBREAKBENCH, JAILBREAKBENCH_SUBMISSION
from riskshift.formats.benchmarks.lm_eval import LM_EVAL, LM_EVAL_CHOICE
from riskshift.formats.benchmarks.modelbench import MODELBENCH
from riskshift.formats.benchmarks.pairedsafety import PAIREDSAFETY
from riskshift.formats.benchmarks.wildguard import ANY_GUARDRAIL, WILDGUARD, WILDGUARD_BARE
from riskshift.formats.exports.annotations import LABEL_STUDIO
from riskshift.formats.exports.argilla import ARGILLA
from riskshift.formats.exports.doccano import DOCCANO, DOCCANO_ALONE
from riskshift.formats.exports.langfuse import LANGFUSE
from riskshift.formats.exports.langsmith import LANGSMITH
from riskshift.formats.exports.potato import POTATO
from riskshift.formats.exports.spreadsheets import SPREADSHEETS
from riskshift.formats.format import Format, Refused
from riskshift.formats.log import Log
from riskshift.formats.services.azure_openai import AZURE_OPENAI
from riskshift.formats.services.bedrock import BEDROCK, BEDROCK_ALONE
from riskshift.formats.services.content_safety import CONTENT_SAFETY, CONTENT_SAFETY_ALONE
from riskshift.formats.services.opentelemetry import OPENTELEMETRY
from riskshift.formats.services.vertex_gemini import VERTEX_GEMINI
from riskshift.formats.tools.azure_evaluation import AZURE_EVALUATION
from riskshift.formats.tools.azure_redteam import AZURE_REDTEAM
from riskshift.formats.tools.deepteam import DEEPEVAL, DEEPTEAM
from riskshift.formats.tools.garak import GARAK, GARAK_HITS
from riskshift.formats.tools.inspect_ai import INSPECT, INSPECT_CUT, INSPECT_PAIRED
from riskshift.formats.tools.petri import PETRI
from riskshift.formats.tools.promptfoo import PROMPTFOO, PROMPTFOO_CSV
from riskshift.formats.tools.pyrit import OTHER_DATABASE, PYRIT, PYRIT_CSV
from riskshift.formats.tools.scout import SCOUT

FORMATS: Final[Sequence[Format]] = (
    PROMPTFOO,
    AZURE_OPENAI,
    VERTEX_GEMINI,
    BEDROCK,
    OPENTELEMETRY,
    CONTENT_SAFETY,
    AZURE_REDTEAM,
    AZURE_EVALUATION,
    DEEPTEAM,
    DEEPEVAL,
    JAILBREAKBENCH,
    HARMBENCH,
    PYRIT,
    WILDGUARD,
    ANY_GUARDRAIL,
    PAIREDSAFETY,
    *DATA_SETS,
    MODELBENCH,
    LM_EVAL,
    HELM,
    EVERY_EVAL_EVER,
    LANGFUSE,
    LANGSMITH,
    ARGILLA,
    DOCCANO,
    POTATO,
    PETRI,
    SCOUT,
    INSPECT_PAIRED,
    INSPECT,
    GARAK,
)
REFUSED: Final[Sequence[Refused]] = (
    PROMPTFOO_CSV,
    BEDROCK_ALONE,
    CONTENT_SAFETY_ALONE,
    JAILBREAKBENCH_SUBMISSION,
    PYRIT_CSV,
    OTHER_DATABASE,
    WILDGUARD_BARE,
    LM_EVAL_CHOICE,
    HELM_CHOICE,
    HELM_BESIDE,
    LABEL_STUDIO,
    DOCCANO_ALONE,
    *SPREADSHEETS,
    INSPECT_CUT,
    GARAK_HITS,
)
NAMES: Final = tuple(one.name for one in FORMATS)


def recognise(log: Log, *, mapped: bool = False) -> Format | Refused | None:
    """Tell what a log is by what it holds; None if no format knows it.

    Parameters
    ----------
    log : Log
        What is looked at.
    mapped : bool, default False
        Whether the user says which column is which, so that a table is a table.
    """
    formats = [one for one in FORMATS if not (mapped and one.table)]
    every: Sequence[Format | Refused] = (*REFUSED, *formats)
    return next((one for one in every if one.recognise(log)), None)


def named(name: str) -> Format:
    """Return the format of a name.

    Raises
    ------
    UsageError
        If there is none.
    """
    found = next((one for one in FORMATS if one.name == name), None)
    if found is None:
        raise unknown_choice("format", name, NAMES)
    return found
