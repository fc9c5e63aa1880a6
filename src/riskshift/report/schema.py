"""The JSON Schema of every result, made from the classes: their keys, their types and their words.

``make schema`` writes it to ``results.schema.json``, which ships with the package.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import is_dataclass
from importlib.resources import files
from pathlib import Path
from types import UnionType
from typing import Any, Final, Literal, Union, get_args, get_origin

from riskshift.analysis.agreement.result import Agreement
from riskshift.analysis.comparison.result import Comparison
from riskshift.analysis.gate.result import GateReport
from riskshift.analysis.grader.result import GraderReport
from riskshift.analysis.metrics import CATEGORY, OVERALL, TWINS_OF_TWO_LEVELS, Metric
from riskshift.analysis.plain import (
    Key,
    Keyed,
    Limits,
    Written,
    bare,
    hint_of,
    is_range,
    keys,
    marks,
    may_be_none,
)
from riskshift.analysis.plan.result import Plan
from riskshift.analysis.results import SCHEMA_VERSION, Results
from riskshift.analysis.transitions.result import Analysis
from riskshift.report.laws import LAWS

Node = dict[str, Any]

_SCALARS: Final[dict[Any, Node]] = {
    float: {"type": "number"},
    int: {"type": "integer", "minimum": 0},
    str: {"type": "string"},
    bool: {"type": "boolean"},
}
# Which metrics stand among the other keys, by the attribute that holds their rates.
_METRICS: Final[dict[str, Sequence[Metric]]] = {"overall": OVERALL, "rates": CATEGORY}
# What no class stands for, in words.
_OBJECTS: Final = {
    "overall": "Metrics over all categories: p and r are the highest severity of prompt and response, h the first "
    "harmful level, K the number of levels.",
    "records": "How many records there were and what became of them.",
    "clusters": "What is not independent of each other.",
    "comparison": "The models side by side.",
    "kappa": "Cohen's kappa with quadratic weights.",
    "mean_shift_difference": "How much further the candidate moves severity than the baseline, in levels.",
    "errors": "Pairs with an error of the grader.",
}
_ENDS: Final = {"low": "Lower end.", "0": "Lower end.", "high": "Upper end.", "1": "Upper end."}


def build() -> Node:
    """Make the schema: that of an analysis, and under ``$defs`` those of all other results."""
    made = _Definitions()
    root = made.result(Analysis)
    for kind in (Comparison, GateReport, Agreement, GraderReport, Plan):
        made.nodes[f"{kind.kind}_results"] = made.result(kind)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "riskshift results",
        **root,
        "$defs": dict(sorted(made.nodes.items())),
    }


def text() -> str:
    """Return the schema as it stands in the file."""
    return json.dumps(build(), indent=1, ensure_ascii=False) + "\n"


class _Definitions:
    """The schemas of the classes, each made once."""

    def __init__(self) -> None:
        self.nodes: dict[str, Node] = {}
        self._classes: dict[str, type] = {}

    def result(self, of: type[Results]) -> Node:
        """Return the schema of what a command writes."""
        whole: type = of
        node = self._object(whole, keys(whole), _summary(whole))
        first: Node = {
            "schema_version": {"description": "Of this format.", "const": SCHEMA_VERSION},
            "kind": {"description": "What it is.", "const": of.kind},
            "riskshift_version": {
                "description": "Of the program that wrote it.",
                "type": "string",
                "pattern": r"^[0-9]+\.[0-9]+\.[0-9]+",
            },
        }
        node["properties"] = first | node["properties"]
        node["required"] = [*first, *node["required"]]
        return _lawful(node, f"{of.kind}_results")

    def _reference(self, of: type) -> Node:
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", of.__name__).lower()
        if self._classes.setdefault(name, of) is not of:
            raise TypeError(
                f"Two classes are called {of.__name__}; the schema needs one name each."
            )
        if name not in self.nodes:
            self.nodes[name] = {}  # so that a class may hold itself
            self.nodes[name] = _lawful(self._object(of, keys(of), _summary(of)), name)
        return {"$ref": f"#/$defs/{name}"}

    def _object(self, of: type, among: Iterable[Key], words: str) -> Node:
        found: dict[str, Node] = {}
        perhaps: set[str] = set()
        for key in among:
            if key.name:
                found[key.name] = self._key(of, key)
            else:
                more, lacking = self._spread(key)
                found |= more
                perhaps |= lacking
        return _closed(words, found, perhaps)

    def _key(self, of: type, key: Key) -> Node:
        if key.keys:
            words = _OBJECTS.get(key.name) or told(of, key.path)
            node = self._object(of, key.keys, words)
            return {"description": words, "anyOf": [node, {"type": "null"}]} if key.path else node
        words = told(of, key.path)
        node = self._value(key.hint, words)
        if key.absent is not None and "enum" not in node:
            words += f' "{key.absent}" where there is none.'
        return {"description": words, **node}

    def _spread(self, key: Key) -> tuple[dict[str, Node], set[str]]:
        """Return the keys of a dictionary that stand among others, and which may be absent."""
        for mark in marks(key.hint):
            if isinstance(mark, Written):
                node = self._object(mark.of, keys(mark.of), "")
                return node["properties"], set()
        metrics = _METRICS[key.path[-1]]
        rate = self._value(get_args(bare(key.hint))[1], "")
        return (
            {metric.name: {"description": _meaning(metric), **rate} for metric in metrics},
            {m.name for m in metrics if m.name in TWINS_OF_TWO_LEVELS or m.beside},
        )

    def _value(self, hint: Any, words: str) -> Node:
        """Return the schema of a value of some type; an object in it needs `words`."""
        node = self._bare(hint, words)
        for mark in marks(hint):
            node = _narrowed(node, mark.keywords) if isinstance(mark, Limits) else node
        if not may_be_none(hint):
            return node
        if "enum" in node:
            return node | {"enum": [*node["enum"], None]}
        if node.get("type") in ("number", "integer", "string", "boolean"):
            return node | {"type": [node["type"], "null"]}
        return {"anyOf": [node, {"type": "null"}]}

    def _bare(self, hint: Any, words: str) -> Node:
        of = bare(hint)
        inner, origin = get_args(of), get_origin(of)
        if of in _SCALARS:
            return dict(_SCALARS[of])
        if origin is Literal:
            return {"enum": list(inner)} if len(inner) > 1 else {"const": inner[0]}
        if origin in (Union, UnionType):
            return {"anyOf": [self._value(one, words) for one in inner]}
        if is_range(of):
            ends = zip(("low", "high"), ("Lower end.", "Upper end."), inner, strict=True)
            found = {end: {"description": said} | self._value(one, "") for end, said, one in ends}
            return _closed(words, found)
        if origin in (tuple, list):
            fixed = origin is tuple and Ellipsis not in inner
            sized: Node = {"minItems": len(inner), "maxItems": len(inner)} if fixed else {}
            return {"type": "array", "items": self._value(inner[0], words), **sized}
        if origin is dict:
            return self._mapping(inner, marks(hint), words)
        if isinstance(of, type) and is_dataclass(of):
            return self._reference(of)
        raise TypeError(f"The schema has no word for {hint}.")

    def _mapping(self, inner: tuple[Any, ...], marked: Iterable[Any], words: str) -> Node:
        for mark in marked:
            if isinstance(mark, Keyed):
                value = {"description": words, **self._value(inner[1], words)}
                names = (*mark.always.split(), *mark.perhaps.split())
                return _closed(words, dict.fromkeys(names, value), set(mark.perhaps.split()))
        node: Node = {"description": words, "type": "object"}
        value = self._value(inner[1], words)
        if inner[0] is int:
            return node | {"patternProperties": {"^[0-9]+$": value}, "additionalProperties": False}
        return node | {"additionalProperties": value}


def _closed(words: str, found: Mapping[str, Node], perhaps: Iterable[str] = ()) -> Node:
    return {
        "description": words,
        "type": "object",
        "properties": dict(found),
        "required": [name for name in found if name not in set(perhaps)],
        "additionalProperties": False,
    }


def _narrowed(node: Node, keywords: Node) -> Node:
    """Add keywords; a list of values says more than their type."""
    listed = "enum" in keywords or "const" in keywords
    found = {k: v for k, v in node.items() if not (listed and k == "type")} | keywords
    if "properties" in node:
        narrower = keywords.get("properties", {})
        found["properties"] = node["properties"] | {
            key: _narrowed(node["properties"][key], more) for key, more in narrower.items()
        }
    return found


def _lawful(node: Node, name: str) -> Node:
    """Add what holds beyond the types, and what is narrower than they are."""
    return _narrowed(node, LAWS.get(name, {}))


def _meaning(metric: Metric) -> str:
    also = (
        " Left out with two levels, where another metric says the same."
        if metric.name in TWINS_OF_TWO_LEVELS
        else ""
    )
    if metric.beside:
        also += f" Left out where the data do not tell: {', '.join(sorted(metric.beside))}."
    return f"{metric.meaning} ({metric.event_formula} | {metric.given_formula}){also}"


def told(of: type, path: tuple[str, ...]) -> str:
    """Say what lies at the end of some attributes, in the words of the class that has the last.

    Examples
    --------
    >>> told(Plan, ("metric",))
    'What is planned for.'
    """
    owner: Any = of
    for step in path[:-1]:
        owner = bare(hint_of(owner, step))
    if path[-1] in _ENDS and len(path) > 1:
        return f"{_ENDS[path[-1]]} {told(of, path[:-1])}"
    found = getattr(owner, path[-1], None)
    if isinstance(found, property):
        return _spoken(str(found.fget.__doc__).split("\n\n")[0])
    words = {"kind": "What was asked."} | _parameters(owner)
    if path[-1] not in words:
        raise TypeError(f"{owner.__name__} does not say what its {path[-1]} is.")
    return _spoken(words[path[-1]]).replace("The ends.", _ENDS.get(path[-1], ""))


def _summary(of: type) -> str:
    return _spoken(str(of.__doc__).split("\n\n")[0])


def _parameters(of: type) -> dict[str, str]:
    """Read the Parameters section of a class, in numpydoc's format."""
    section = re.search(
        r"Parameters\n\s*-+\n(.*?)(?:\n\s*\n\s*\w[\w ]*\n\s*-+\n|\Z)", str(of.__doc__), re.S
    )
    found: dict[str, str] = {}
    names: list[str] = []
    for line in section[1].splitlines() if section else ():
        head = re.fullmatch(r"    (\S[^:]*?) : .*", line)
        names = head[1].split(", ") if head else names
        for name in () if head else names:
            found[name] = f"{found.get(name, '')} {line.strip()}".strip()
    return found


def _spoken(words: str) -> str:
    """Write words about Python as words about JSON."""
    said = " ".join(words.split()).replace("`", "")
    for python, json_word in (("None", "null"), ("True", "true"), ("False", "false")):
        said = re.sub(rf"\b{python}\b", json_word, said)
    return said


def write() -> Path:
    """Write the file that ships with the package."""
    place = Path(str(files("riskshift.report").joinpath("results.schema.json")))
    place.write_text(text(), encoding="utf-8")
    return place


if __name__ == "__main__":
    write()
