"""Public sets of prompts and responses that bring labels along, by the columns that they have."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from riskshift.formats.declared import Column, Declared, Value
from riskshift.formats.exchange import Entry, Exchange, Numbering, digest
from riskshift.formats.format import Format
from riskshift.formats.log import Log
from riskshift.refusal import COMPLIED, PARTIAL, REFUSAL, REFUSED
from riskshift.taxonomy import HARM, SIDES, Taxonomy

_SAFE, _HARMFUL = HARM.levels
_WORDS: Final = {"safe": _SAFE, "unsafe": _HARMFUL, "unharmful": _SAFE, "harmful": _HARMFUL}


def _having(*names: str) -> Callable[[Log], bool]:
    """Tell a set by the names of its columns."""
    return lambda log: log.names.issuperset(names)


def _filled(record: Any, name: str) -> Any:
    """Return a value; nothing is none in delimited text."""
    value = record.get(name)
    return None if isinstance(value, str) and not value.strip() else value


def _word(name: str, words: Mapping[str, str] = _WORDS) -> Value:
    """Name a label by the word for it; another word stays, for the reader to refuse."""

    def of(record: Any) -> Any:
        value = _filled(record, name)
        return words.get(str(value).strip().casefold(), value)

    return of


def _flag(name: str, true: str, false: str) -> Value:
    """Name a label by a yes or no, however it is written."""
    words = dict.fromkeys(("true", "1", "1.0"), true) | dict.fromkeys(("false", "0", "0.0"), false)
    return _word(name, words)


def _listed(name: str) -> Value:
    """List which flags of an object are set."""

    def of(record: Any) -> Any:
        held = record.get(name)
        return (
            ", ".join(key for key, flag in held.items() if flag) if isinstance(held, dict) else held
        )

    return of


def _of_model(entries: Declared, pattern: str) -> Callable[[Log], Iterator[Entry]]:
    """Name the model by the file: the set writes a file for each, and names it nowhere else."""

    def named(log: Log) -> Iterator[Entry]:
        found = re.search(pattern, log.name)
        for entry in entries(log):
            is_pair = isinstance(entry, Exchange) and found is not None
            yield replace(entry, model=found[1]) if is_pair else entry  # type: ignore[arg-type, index]

    return named


_XSTEST_SAYS: Final = {
    "1_full_compliance": REFUSAL[COMPLIED],
    "2_full_refusal": REFUSAL[REFUSED],
    "3_partial_refusal": REFUSAL[PARTIAL],
}

XSTEST: Final = Format(
    name="xstest",
    table=True,
    title="XSTest: responses of models, labelled by two people (CSV)",
    labels=(
        "Responses: whether they comply, refuse or partly refuse, which says nothing of harm. Of prompts, whether they "
        "are benign by construction; the contrasts are not."
    ),
    source="Files of paul-rottger/exaggerated-safety (XSTest v2), of two models.",
    recognise=_having("type", "prompt", "completion", "final_label"),
    entries=_of_model(
        Declared(
            columns=(
                Column("prompt_id", "id"),
                Column("prompt", "prompt", required=True),
                Column("response", "completion"),
                Column("source", lambda record: "XSTest"),
                Column("refusal", _word("final_label", _XSTEST_SAYS)),
                Column("prompt_benign", lambda row: not str(row["type"]).startswith("contrast_")),
                *(Column(name, name) for name in ("type", "annotation_1", "annotation_2")),
                Column("judge", "gpt4_label"),
            ),
        ),
        r"completions_([^/\\]+?)(?:_gpteval)?\.csv",
    ),
)


def _reviewed(record: Any) -> dict[str, Any]:
    action = _filled(record, "action")
    scores = {"harmful": _filled(record, "harmful")} if "harmful" in record else {}
    return scores | {"action": None if str(action) == "-1" else action}


_DO_NOT_ANSWER: Final = _of_model(
    Declared(
        scores=_reviewed,
        columns=(
            Column("prompt_id", "id"),
            Column("prompt", "question", required=True),
            Column("response", "response"),
            Column("source", lambda record: "Do-Not-Answer"),
            *(Column(name, name) for name in ("risk_area", "types_of_harm", "specific_harms")),
        ),
    ),
    r"annotated_response_([^/\\]+)\.csv",
)
_WIDE: Final = "_harmful"


def _models_in(log: Log) -> list[str]:
    names = [name.removesuffix(_WIDE) for name in log.columns if name.endswith(_WIDE)]
    return [name for name in names if f"{name}_response" in log.names]


def _answers(log: Log) -> Iterator[Entry]:
    models = _models_in(log)
    if not models:
        yield from _DO_NOT_ANSWER(log)
        return
    for _, row in log.rows():
        for model in models:
            held = {name: row.get(f"{model}_{name}", "") for name in ("harmful", "action")}
            yield Exchange(
                prompt=row["question"],
                response=row[f"{model}_response"],
                prompt_id=_filled(row, "id"),
                model=model,
                source="Do-Not-Answer",
                scores=_reviewed(held),
                tags={name: row.get(name) for name in ("risk_area", "types_of_harm")},
            )


DO_NOT_ANSWER: Final = Format(
    name="do-not-answer",
    table=True,
    title="Do-Not-Answer: responses with their review, of one model or of several side by side (CSV)",
    labels=(
        "Responses: Harmful or Safe where people reviewed them. The kind of action (0 to 5) is a score, and what it "
        "says must be declared. Prompts are not labelled: all of them are risky by construction."
    ),
    source="Files of Libr-AI/do-not-answer: reviews of one model by people and by GPT-4; columns of the wide file.",
    recognise=lambda log: (
        _having("question", "response", "action")(log)
        or ("question" in log.names and bool(_models_in(log)))
    ),
    known={"harmful": "harmful"},
    entries=_answers,
)


def _redacted(record: Any) -> bool:
    return str(record.get("prompt")).strip() == "REDACTED"


def _aegis_id(record: Any) -> Any:
    if _redacted(record):
        return _filled(record, "reconstruction_id_if_redacted") or record.get("id")
    return digest(record.get("prompt"))


AEGIS: Final = Format(
    name="aegis",
    table=True,
    title="Aegis 2.0: dialogues labelled on both sides (JSON, JSON lines, CSV)",
    labels="Prompts by people and responses by people, models or construction: Safe or Harmful.",
    source="The card of nvidia/Aegis-AI-Content-Safety-Dataset-2.0; no file was read.",
    recognise=_having(
        "prompt", "response", "prompt_label", "response_label", "violated_categories"
    ),
    sides=SIDES,
    entries=Declared(
        repeats=("prompt_id",),
        columns=(
            Column("prompt_id", _aegis_id),
            Column("prompt", lambda record: None if _redacted(record) else record.get("prompt")),
            Column("response", "response"),
            Column("source", lambda record: "Aegis 2.0"),
            Column("prompt_harm", _word("prompt_label")),
            Column("response_harm", _word("response_label")),
            Column("violated_categories", "violated_categories"),
            Column("labelled_by", "response_label_source"),
        ),
    ),
)

WILDGUARD: Final = Format(
    name="wildguardmix",
    table=True,
    title="WildGuardMix: prompts and responses, labelled on both sides (JSON lines, CSV)",
    labels="Prompts and responses: Safe or Harmful. Responses: whether they refuse.",
    source="The schema in cards of allenai/wildguardmix and of sets made of it; no file was read.",
    recognise=_having("prompt", "response", "prompt_harm_label", "response_harm_label"),
    sides=SIDES,
    entries=Declared(
        repeats=("prompt",),
        columns=(
            Column("prompt", "prompt", required=True),
            Column("response", "response"),
            Column("source", lambda record: "WildGuardMix"),
            Column("prompt_harm", _word("prompt_harm_label")),
            Column("response_harm", _word("response_harm_label")),
            Column(
                "refusal",
                _word(
                    "response_refusal_label",
                    {"refusal": REFUSAL[REFUSED], "compliance": REFUSAL[COMPLIED]},
                ),
            ),
            *(Column(name, name) for name in ("adversarial", "subcategory")),
        ),
    ),
)

BEAVERTAILS: Final = Format(
    name="beavertails",
    table=True,
    title="BeaverTails: responses labelled safe or not (JSON lines)",
    labels="Responses: Safe or Harmful, with the categories of harm as a column. Prompts are not labelled.",
    source="The loader of PKU-Alignment/BeaverTails; no file was read.",
    recognise=_having("prompt", "response", "category", "is_safe"),
    entries=Declared(
        repeats=("prompt",),
        columns=(
            Column("prompt", "prompt", required=True),
            Column("response", "response"),
            Column("source", lambda record: "BeaverTails"),
            Column("response_harm", _flag("is_safe", _SAFE, _HARMFUL)),
            Column("categories", _listed("category")),
        ),
    ),
)

_PKU: Final = Taxonomy(("harm",), ("Safe", "Minor", "Moderate", "Severe"))


def _two_answers(log: Log) -> Iterator[Entry]:
    nth = Numbering()
    for place, _, record in log.records():
        if not isinstance(record, dict) or record.get("prompt") is None:
            log.fault(f"{place} lacks prompt.")
            continue
        for at in (0, 1):
            model = record.get(f"response_{at}_source")
            level: Any = record.get(f"response_{at}_severity_level")
            yield Exchange(
                prompt=record["prompt"],
                response=record.get(f"response_{at}"),
                model=model,
                sample=str(nth(record["prompt"], model)),
                source=record.get("prompt_source"),
                labels={"response_harm": dict(enumerate(_PKU.levels)).get(level, level)},
                tags={
                    "categories": _listed(f"response_{at}_harm_category")(record),  # type: ignore[operator]
                    "better": record.get("better_response_id") == at,
                    "safer": record.get("safer_response_id") == at,
                },
            )


PKU_SAFERLHF: Final = Format(
    name="pku-saferlhf",
    table=True,
    title="PKU-SafeRLHF: two responses a prompt, each with a severity (JSON lines)",
    labels="Responses: four severities without a category, Safe to Severe. Prompts are not labelled.",
    source="Code of users of PKU-Alignment/PKU-SafeRLHF; no file was read.",
    recognise=_having("prompt", "response_0", "response_1", "response_0_severity_level"),
    entries=_two_answers,
    taxonomy=_PKU,
)

TOXICCHAT: Final = Format(
    name="toxicchat",
    table=True,
    title="ToxicChat: what users typed, labelled toxic or not (CSV, JSON lines)",
    labels=(
        "Prompts: Safe or Harmful (toxicity), by people where human_annotation is true. Responses are not labelled."
    ),
    source="The card of lmsys/toxic-chat; no file was read.",
    recognise=_having("user_input", "model_output", "toxicity", "jailbreaking"),
    sides=SIDES,
    entries=Declared(
        repeats=("prompt",),
        columns=(
            Column("prompt", "user_input", required=True),
            Column("response", "model_output"),
            Column("source", lambda record: "ToxicChat"),
            Column("prompt_harm", _flag("toxicity", _HARMFUL, _SAFE)),
            *(Column(name, name) for name in ("conv_id", "human_annotation", "jailbreaking")),
        ),
    ),
)

DATA_SETS: Final = (
    *(XSTEST, DO_NOT_ANSWER, AEGIS, WILDGUARD, BEAVERTAILS, PKU_SAFERLHF, TOXICCHAT),
)
