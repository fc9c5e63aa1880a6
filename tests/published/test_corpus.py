"""The packaged corpus has the published margins and is what its script makes."""

import csv
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import riskshift
from riskshift.report.writing import render

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "make_corpus.py"
CORPUS = ROOT / "src" / "riskshift" / "data" / "reconstruction.csv"
FIGURES = ROOT.parent / "shared" / "data" / "published_figures.json"
CATEGORIES = ["hate", "self_harm", "sexual", "violence"]

# microsoft/PairedSafety, analysis/statistical_uncertainty and analysis/relevance_significance;
# arXiv 2604.26052. Triples are counts at relevance 1, 2, 3.
PUBLISHED = {
    "n": 1250,
    "overall": {
        "escalation": [40, 1250],
        "preservation": [447, 1250],
        "reduction": [763, 1250],
        "conditional_reduction": [763, 854],
        "response_harm": [141, 1250],
    },
    "prompts_with_severity_3": {"hate": 96, "self_harm": 34, "sexual": 108, "violence": 106},
    "category_persistence": {
        "hate": [24, 329],
        "self_harm": [12, 106],
        "sexual": [47, 189],
        "violence": [19, 230],
    },
    "category_drift_counts": {"hate": 13, "self_harm": 6, "sexual": 11, "violence": 14},
    "category_escalation_counts": {"hate": 13, "self_harm": 6, "sexual": 17, "violence": 16},
    "escalation_origin": {"safe_prompt": [32, 40], "harmful_prompt": [8, 40]},
    "response_severity_by_relevance_123": {
        "0": [28, 71, 1010],
        "1": [1, 6, 88],
        "2": [0, 14, 25],
        "3": [0, 1, 6],
    },
    "quadrants_relevance_123": {
        "hate": {
            "P+R+": [0, 0, 24],
            "P+R-": [14, 7, 284],
            "P-R+": [0, 0, 13],
            "P-R-": [15, 85, 808],
        },
        "self_harm": {
            "P+R+": [0, 2, 10],
            "P+R-": [1, 5, 88],
            "P-R+": [0, 1, 5],
            "P-R-": [28, 84, 1026],
        },
        "sexual": {
            "P+R+": [0, 7, 40],
            "P+R-": [4, 10, 128],
            "P-R+": [0, 3, 8],
            "P-R-": [25, 72, 953],
        },
        "violence": {
            "P+R+": [0, 6, 13],
            "P+R-": [7, 7, 197],
            "P-R+": [1, 3, 10],
            "P-R-": [21, 76, 909],
        },
    },
    "compliance_escalations_all_relevance_3": True,
}


def rows():
    with CORPUS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def pairs():
    for row in rows():
        prompt = {c: int(row[f"prompt_{c}"]) for c in CATEGORIES}
        response = {c: int(row[f"response_{c}"]) for c in CATEGORIES}
        yield prompt, response, int(row["relevance"])


def by_relevance(relevances):
    counts = Counter(relevances)
    return [counts[1], counts[2], counts[3]]


def quadrant(p, r):
    return f"P{'+' if p > 0 else '-'}R{'+' if r > 0 else '-'}"


def recount():
    labels = list(pairs())
    worst = [(max(p.values()), max(r.values()), relevance) for p, r, relevance in labels]
    n = len(labels)
    harmful = sum(p > 0 for p, _, _ in worst)
    reduced = sum(r < p for p, r, _ in worst)
    escalated = [(p, relevance) for p, r, relevance in worst if r > p]
    of = {c: [(p[c], r[c], relevance) for p, r, relevance in labels] for c in CATEGORIES}
    return {
        "n": n,
        "overall": {
            "escalation": [len(escalated), n],
            "preservation": [sum(r == p for p, r, _ in worst), n],
            "reduction": [reduced, n],
            "conditional_reduction": [reduced, harmful],
            "response_harm": [sum(r > 0 for _, r, _ in worst), n],
        },
        "prompts_with_severity_3": {c: sum(p == 3 for p, _, _ in of[c]) for c in CATEGORIES},
        "category_persistence": {
            c: [sum(p > 0 and r > 0 for p, r, _ in of[c]), sum(p > 0 for p, _, _ in of[c])]
            for c in CATEGORIES
        },
        "category_drift_counts": {c: sum(p == 0 < r for p, r, _ in of[c]) for c in CATEGORIES},
        "category_escalation_counts": {c: sum(r > p for p, r, _ in of[c]) for c in CATEGORIES},
        "escalation_origin": {
            "safe_prompt": [sum(p == 0 for p, _ in escalated), len(escalated)],
            "harmful_prompt": [sum(p > 0 for p, _ in escalated), len(escalated)],
        },
        "response_severity_by_relevance_123": {
            str(severity): by_relevance(relevance for _, r, relevance in worst if r == severity)
            for severity in range(4)
        },
        "quadrants_relevance_123": {
            c: {
                name: by_relevance(relevance for p, r, relevance in of[c] if quadrant(p, r) == name)
                for name in ("P+R+", "P+R-", "P-R+", "P-R-")
            }
            for c in CATEGORIES
        },
        "compliance_escalations_all_relevance_3": all(
            relevance == 3 for p, relevance in escalated if p > 0
        ),
    }


@pytest.mark.parametrize("figure", PUBLISHED)
def test_the_corpus_has_the_published_count(figure):
    assert recount()[figure] == PUBLISHED[figure]


def test_the_counts_quoted_here_are_those_of_the_collected_figures():
    if not FIGURES.exists():
        if os.environ.get("RISKSHIFT_NO_SKIPS") == "1":
            pytest.fail(f"{FIGURES} is not there, and RISKSHIFT_NO_SKIPS=1 forbids skipping")
        pytest.skip("published_figures.json is not beside the project")
    figures = json.loads(FIGURES.read_text(encoding="utf-8"))
    assert recount() == {name: figures[name] for name in PUBLISHED}


def test_relevance_by_prompt_is_as_published():
    safe = by_relevance(relevance for p, _, relevance in pairs() if not any(p.values()))
    harmful = by_relevance(relevance for p, _, relevance in pairs() if any(p.values()))
    assert (safe, harmful) == ([3, 48, 345], [26, 44, 784])


def test_category_escalation_has_the_published_room():
    room = {c: sum(p[c] < 3 for p, _, _ in pairs()) for c in CATEGORIES}
    assert room == {"hate": 1154, "self_harm": 1216, "sexual": 1142, "violence": 1144}


def test_a_prompt_is_harmful_in_at_most_one_category_and_a_response_in_two():
    assert max(sum(p > 0 for p in prompt.values()) for prompt, _, _ in pairs()) == 1
    assert max(sum(r > 0 for r in response.values()) for _, response, _ in pairs()) == 2


def test_prompts_fill_every_level_of_every_category():
    assert {(c, p[c]) for p, _, _ in pairs() for c in CATEGORIES} == {
        (c, severity) for c in CATEGORIES for severity in range(4)
    }


def test_columns_and_ids_are_as_documented():
    sides = [f"{side}_{c}" for side in ("prompt", "response") for c in CATEGORIES]
    assert list(rows()[0]) == ["prompt_id", *sides, "relevance"]
    assert [row["prompt_id"] for row in rows()] == [f"r{i:04}" for i in range(1, 1251)]
    assert b"\r" not in CORPUS.read_bytes()


def run_script(*arguments):
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_script_makes_the_packaged_file_byte_for_byte(tmp_path):
    made = tmp_path / "made.csv"
    assert run_script("--output", str(made)).returncode == 0
    assert made.read_bytes() == CORPUS.read_bytes()
    assert list(tmp_path.iterdir()) == [made]


def test_the_script_says_whether_a_file_is_what_it_makes(tmp_path):
    changed = tmp_path / "changed.csv"
    changed.write_bytes(CORPUS.read_bytes().replace(b",3\n", b",2\n", 1))
    assert run_script("--check").returncode == 0
    assert run_script("--check", "--output", str(changed)).returncode == 1


def test_the_caveat_goes_where_the_rows_go_whatever_their_file_is_called(tmp_path):
    rows = CORPUS.read_text(encoding="utf-8").splitlines()
    renamed = tmp_path / "mine.csv"
    renamed.write_text("\n".join([rows[0], *reversed(rows[1:])]) + "\n", encoding="utf-8")
    fast = {"resamples": 10, "permutations": 10, "cases": 0}
    said = riskshift.analyze(renamed, **fast).notes
    assert said[0].startswith("These records are a reconstruction.")
    renamed.write_text("\n".join(rows[:-1]) + "\n", encoding="utf-8")
    assert not any("reconstruction" in note for note in riskshift.analyze(renamed, **fast).notes)


def test_a_page_names_files_and_not_the_folders_they_lie_in(corpus_path):
    made = riskshift.analyze(corpus_path, resamples=10, permutations=10, cases=0)
    for suffix in (".html", ".md"):
        page = render(made, suffix)
        assert str(corpus_path.parent) not in page
        assert corpus_path.name in page
