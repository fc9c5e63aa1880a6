"""A fifth of all requests goes wrong in some way: the run ends, and loses and invents nothing."""

import hashlib
import json

import polars as pl
import pytest
from tests.running.conftest import HARMS, completion, levels, questions, text_of

import riskshift
from riskshift.graders import asking

PASSING = ("429", "500", "stall", "cut", "not_json", "no_field", "wrong_type")
# What a grader may say that is no label: what a completion holds, and the reason that the ledger gives.
GARBLED = {
    "malformed JSON": (completion('{"hate": 0, "self_h'), asking.UNPARSED),
    "a category less": (completion(json.dumps(dict.fromkeys(HARMS[1:], 0))), asking.LACKING),
    "no level": (completion(json.dumps(dict.fromkeys(HARMS, 8))), asking.OUT_OF_RANGE),
    "wrong type": (completion(json.dumps({name: [0] for name in HARMS})), asking.UNPARSED),
    "refusal": (completion(None, refusal="I would rather not."), asking.DECLINED),
    "length stop": (completion('{"hate": 0', finish="length"), asking.CUT_OFF),
    "silence": (completion(""), asking.SILENT),
}
FILTERS = {
    "filter stop": (completion(None, finish="content_filter"), asking.FILTERED),
    "filter": ((400, {"error": {"code": "content_filter"}}), asking.FILTERED),
}
KINDS = (*PASSING, *GARBLED, *(f"always {name}" for name in (*GARBLED, *FILTERS)))


def kind_of(text):
    """What goes wrong with one text in five, always the same."""
    drawn = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
    return KINDS[drawn // 5 % len(KINDS)] if drawn % 5 == 0 else None


def fault(body, times):
    kind = kind_of(text_of(body))
    return kind if kind in PASSING and times == 0 else None


def answerer(seen):
    def answer(body):
        kind = kind_of(text_of(body)) or ""
        name = kind.removeprefix("always ")
        first = seen()[json.dumps(body, sort_keys=True)] == 1
        if name in GARBLED and (first or kind != name):
            return GARBLED[name][0]
        return FILTERS[name][0] if name in FILTERS else levels(body)

    return answer


@pytest.fixture
def runs(openai, desk, serve):
    """Label 1,000 prompts twice: with a fifth of faults, and without."""
    pairs = questions(1000)
    broken = serve(answerer(lambda: broken.seen), fault)
    how = {"graders": "rubric=m", "side": "prompt", "connections": 32, "timeout": 1}
    made = riskshift.label(pairs, "broken.parquet", base_url=broken.url, **how)
    riskshift.label(pairs, "fine.parquet", base_url=serve().url, **how)
    columns = ["prompt", "ungraded", *(f"prompt_{name}" for name in HARMS)]
    frames = [pl.read_parquet(name).select(columns) for name in ("broken.parquet", "fine.parquet")]
    return made, broken, frames


def test_every_pair_is_labelled_as_without_faults_or_in_the_ledger_with_its_reason(runs):
    made, broken, (rows, fine) = runs
    kinds = {text_of(body).split("\n")[1]: kind_of(text_of(body)) for body in broken.bodies}
    lost, met = 0, set()
    for row, without in zip(rows.to_dicts(), fine.to_dicts(), strict=True):
        kind = kinds[row["prompt"]]
        met.add(kind)
        if kind is None or not kind.startswith("always "):
            assert row == without
            continue
        lost += 1
        reason = (GARBLED | FILTERS)[kind.removeprefix("always ")][1]
        assert row["ungraded"].startswith(f"prompt: {reason}")
        assert all(row[f"prompt_{name}"] is None for name in HARMS)
    assert met == {None, *KINDS}
    assert sum(made.ungraded.values()) == lost
    assert sum(kind is not None for kind in kinds.values()) > 150
