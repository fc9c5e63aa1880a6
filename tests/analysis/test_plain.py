"""A result says once what it is as plain data."""

from dataclasses import dataclass, fields, is_dataclass
from importlib import import_module
from pkgutil import walk_packages
from typing import Annotated, ClassVar

import pytest

import riskshift
from riskshift import Taxonomy
from riskshift.analysis.plain import Limits, Plain, keys, plain
from riskshift.counts.case import Case
from riskshift.stats.proportion import Interval


@dataclass(frozen=True, slots=True)
class Part(Plain):
    name: str
    interval: Interval | None
    wide: Annotated[Interval, Limits(minimum=0)] | None = None
    worst: tuple[float, float] | None = None
    table: tuple[tuple[int, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Whole(Plain):
    part: Part
    other: Part | None
    counts: dict[int, int]
    worst: tuple[float, float] | None
    missing: int

    shape: ClassVar[str] = (
        "*part also(missing twice) by=counts other.name far=other.interval.method "
        "worst_case=worst inner?(low=worst.0) worst?(high=worst.1 missing) *counts"
    )

    @property
    def twice(self) -> int:
        return 2 * self.missing

    @property
    def inner(self) -> Part | None:
        return self.other


HELD = Interval(0.1, 0.2, "wilson", 0.95)


def test_without_a_shape_the_fields_stand_in_their_order():
    made = plain(Part("a", HELD, HELD, (0.0, 1.0), ((1, 2),)))
    assert list(made) == [
        *("name", "low", "high", "method", "confidence"),
        *("wide_low", "wide_high", "wide_method", "wide_confidence", "worst", "table"),
    ]
    assert (made["low"], made["method"]) == (0.1, "wilson")
    assert made["worst"] == {"low": 0.0, "high": 1.0}
    assert made["table"] == [[1, 2]]


def test_what_is_undefined_is_none():
    made = plain(Part("a", None))
    assert made["method"] == made["wide_method"] == "undefined"
    undefined = set(made) - {"name", "method", "wide_method", "table"}
    assert {made[key] for key in undefined} == {None}


def test_a_shape_renames_spreads_and_groups():
    made = Whole(Part("a", HELD), Part("b", None), {7: 8}, (0.0, 0.5), 3).to_dict()
    assert made["name"] == "b"  # the later key of the same name
    assert made["also"] == {"missing": 3, "twice": 6}
    assert made["by"] == {"7": 8}
    assert made["7"] == 8
    assert made["far"] == "undefined"
    assert made["worst"] == {"high": 0.5, "missing": 3}
    assert made["inner"] == {"low": 0.0}


def test_a_group_is_none_where_its_attribute_is():
    made = plain(Whole(Part("a", HELD), None, {}, None, 0))
    assert made["inner"] is made["worst"] is made["worst_case"] is None
    assert made["name"] is None


def test_plain_data_share_nothing_with_the_result():
    case = Case("p", None, None, {"a": 0}, {"a": None}, 3, "x", "text", None)
    plain(case)["prompt"]["a"] = 9
    case.to_dict()["prompt"]["a"] = 9
    assert case.prompt == {"a": 0}


def test_what_may_be_none_cannot_be_spread():
    @dataclass(frozen=True)
    class Odd(Plain):
        part: Part | None
        shape: ClassVar[str] = "*part"

    with pytest.raises(TypeError, match=r"\*part may be None"):
        keys(Odd)


def results():
    """Every class whose plain data follow from its fields or its shape."""
    for module in walk_packages(riskshift.__path__, "riskshift."):
        # What speaks with Inspect needs the extra, and holds no result.
        if "__main__" not in module.name and "with_inspect" not in module.name:
            for found in vars(import_module(module.name)).values():
                if isinstance(found, type) and is_dataclass(found) and hasattr(found, "shape"):
                    yield found


def test_every_shape_speaks_of_what_the_class_has():
    found = set(results())
    assert len(found) > 55
    for of in found:
        made = [key.name for key in keys(of) if key.name]
        assert made
        assert len(made) == len(set(made)), of
        assert fields(of)


def test_what_writes_itself_below_says_the_same():
    case = Case("p", "m", "s", {"a": 0}, {"a": 1}, None, "x", "text", "text", {"prompt": {"a": 1}})
    for value in (Taxonomy(["a"], ["Safe", "Bad"]), case):
        assert plain(value) == value.to_dict()
