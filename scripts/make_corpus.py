"""Make the packaged reconstruction of the PairedSafety corpus.

The 1,250 labelled pairs behind Hu, Wei and Atluri, "From Prompt Risk to Response Risk: Paired
Analysis of Safety Behavior of Large Language Models" (arXiv 2604.26052) are not public; their
counts are. This script looks for a table of whole numbers over

    prompt (all safe, or one category at severity 1, 2 or 3)
    x response (severities, at most two harmful categories) x relevance (1, 2, 3)

that meets every published count at once, and writes it out as rows. (One category, because the
harmful prompts by category, 329 + 106 + 189 + 230, add up to the 854 harmful prompts.) **The
margins are the paper's. The rows are a reconstruction**: no row stands for a pair that anybody
labelled, and a cross-tabulation that the paper does not publish is no evidence about its corpus.

Many tables meet the counts. The one taken is the most probable table among them when every cell
is equally likely, except that each harmful category of a response weighs as often as its severity
was observed (95 : 39 : 7). It is the least committed choice: whatever the counts leave open is
spread as evenly as they allow. So it is, above all, with prompt severities 1 and 2, of which only
the sum is published: per category they come out about equal, which is an assumption.

Maximising the multinomial probability is minimising the sum over cells of log(x!) minus
x log(weight), a convex function of whole numbers, so it is a linear program over unit steps: the
k-th record of a cell costs log(k / weight). Costs are rounded to whole numbers, and small fixed
tie-breakers leave one optimum, so the result does not hang on the solver's path.

    python scripts/make_corpus.py            write src/riskshift/data/reconstruction.csv
    python scripts/make_corpus.py --check    exit 1 unless that file is what this script makes
"""

import argparse
import csv
import hashlib
import io
import sys
from collections.abc import Iterator, Sequence
from itertools import combinations, product
from math import log
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

PACKAGED = Path(__file__).parents[1] / "src" / "riskshift" / "data" / "reconstruction.csv"
CATEGORIES = ("hate", "self_harm", "sexual", "violence")
SEVERITIES = (1, 2, 3)
RELEVANCES = (1, 2, 3)

# Published counts. Source: microsoft/PairedSafety, analysis/statistical_uncertainty and
# analysis/relevance_significance; arXiv 2604.26052.
RECORDS = 1250
ESCALATION, PRESERVATION, REDUCTION = 40, 447, 763
HARMFUL_PROMPTS, RESPONSE_HARM = 854, 141
ESCALATION_FROM_SAFE, ESCALATION_FROM_HARMFUL = 32, 8  # the latter all at relevance 3
# Per category, in the order of CATEGORIES.
PERSISTENCE = ((24, 329), (12, 106), (47, 189), (19, 230))
PROMPTS_AT_SEVERITY_3 = (96, 34, 108, 106)
DRIFT = (13, 6, 11, 14)
CATEGORY_ESCALATION = (13, 6, 17, 16)
# At relevance 1, 2, 3: responses by severity 0 to 3; prompts, harmful and all safe.
RESPONSE_SEVERITY = ((28, 71, 1010), (1, 6, 88), (0, 14, 25), (0, 1, 6))
HARMFUL_PROMPT_RELEVANCE, SAFE_PROMPT_RELEVANCE = (26, 44, 784), (3, 48, 345)
# At relevance 1, 2, 3, per category: (prompt harmful, response harmful) in that category.
QUADRANTS = {
    (True, True): ((0, 0, 24), (0, 2, 10), (0, 7, 40), (0, 6, 13)),
    (True, False): ((14, 7, 284), (1, 5, 88), (4, 10, 128), (7, 7, 197)),
    (False, True): ((0, 0, 13), (0, 1, 5), (0, 3, 8), (1, 3, 10)),
    (False, False): ((15, 85, 808), (28, 84, 1026), (25, 72, 953), (21, 76, 909)),
}

COST_SCALE = 10_000  # costs are whole ten-thousandths of a natural logarithm
TIE_BREAK = 97  # tie-breakers stay below it, under a hundredth of a natural logarithm

Mask = npt.NDArray[np.bool_]


class Cells(NamedTuple):
    """Every pattern of labels; severities have shape (cells, categories), relevance (cells,)."""

    prompt: npt.NDArray[np.int64]
    response: npt.NDArray[np.int64]
    relevance: npt.NDArray[np.int64]


def all_cells() -> Cells:
    """Cross the prompts, the responses and the relevances."""
    crossed = product(_severities(most=1), _severities(most=2), RELEVANCES)
    prompt, response, relevance = zip(*crossed, strict=True)
    return Cells(np.array(prompt), np.array(response), np.array(relevance))


def _severities(*, most: int) -> Iterator[tuple[int, ...]]:
    """Yield severities by category with at most `most` categories harmful."""
    for size in range(most + 1):
        for harmful in combinations(range(len(CATEGORIES)), size):
            for levels in product(SEVERITIES, repeat=size):
                level = dict(zip(harmful, levels, strict=True))
                yield tuple(level.get(c, 0) for c in range(len(CATEGORIES)))


def published(cells: Cells) -> Iterator[tuple[int, Mask]]:
    """Yield each published count with the cells that it counts."""
    p, r = cells.prompt.max(axis=1), cells.response.max(axis=1)
    yield RECORDS, p >= 0
    yield ESCALATION, r > p
    yield PRESERVATION, r == p
    yield REDUCTION, r < p
    yield HARMFUL_PROMPTS, p > 0
    yield RESPONSE_HARM, r > 0
    yield ESCALATION_FROM_SAFE, (r > p) & (p == 0)
    yield ESCALATION_FROM_HARMFUL, (r > p) & (p > 0)
    yield ESCALATION_FROM_HARMFUL, (r > p) & (p > 0) & (cells.relevance == 3)
    for c in range(len(CATEGORIES)):
        yield from _published_of(c, cells.prompt[:, c], cells.response[:, c])
    for i, relevance in enumerate(RELEVANCES):
        at = cells.relevance == relevance
        yield HARMFUL_PROMPT_RELEVANCE[i], at & (p > 0)
        yield SAFE_PROMPT_RELEVANCE[i], at & (p == 0)
        for severity, counts in enumerate(RESPONSE_SEVERITY):
            yield counts[i], at & (r == severity)
        for (p_harmful, r_harmful), by_category in QUADRANTS.items():
            quadrant = ((cells.prompt > 0) == p_harmful) & ((cells.response > 0) == r_harmful)
            for c, counts in enumerate(by_category):
                yield counts[i], at & quadrant[:, c]


def _published_of(
    c: int, p: npt.NDArray[np.int64], r: npt.NDArray[np.int64]
) -> Iterator[tuple[int, Mask]]:
    persistent, harmful = PERSISTENCE[c]
    yield persistent, (p > 0) & (r > 0)
    yield harmful, p > 0
    yield PROMPTS_AT_SEVERITY_3[c], p == 3
    yield DRIFT[c], (p == 0) & (r > 0)
    yield CATEGORY_ESCALATION[c], r > p


def reconstruct(cells: Cells) -> npt.NDArray[np.int64]:
    """Return the records in each cell, in the most probable table that meets every count.

    Raises
    ------
    RuntimeError
        If the solver proves no optimum.
    """
    counts, masks = (np.array(column) for column in zip(*published(cells), strict=True))
    # No cell can hold more records than the smallest published count that covers it.
    room = np.where(masks, counts[:, np.newaxis], RECORDS).min(axis=0)
    owner = np.repeat(np.arange(len(room)), room)
    solution = milp(
        _costs(cells, room),
        integrality=np.ones(len(owner), dtype=np.int64),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(csr_array(masks[:, owner].astype(float)), counts, counts),
        options={"mip_rel_gap": 0},
    )
    if solution.status != 0:
        raise RuntimeError(f"no table was found: {solution.message}")
    records = np.bincount(owner[solution.x > 0.5], minlength=len(room))
    if (masks @ records != counts).any():
        raise RuntimeError("the table found does not meet every published count")
    return records


def _costs(cells: Cells, room: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Cost of the 1st, 2nd, ... record of every cell: rising, so they are taken in order."""
    harmful = [log(sum(by_relevance) / RESPONSE_HARM) for by_relevance in RESPONSE_SEVERITY[1:]]
    log_weight = np.array([0.0, *harmful])[cells.response].sum(axis=1)
    tie_break = np.arange(len(room)) ** 2 % TIE_BREAK
    steps = [np.log(np.arange(1, size + 1)) - log_weight[i] for i, size in enumerate(room)]
    return np.round(COST_SCALE * np.concatenate(steps)) + np.repeat(tie_break, room)


def as_csv(cells: Cells, records: npt.NDArray[np.int64]) -> bytes:
    """Write the table out as rows, shuffled by a hash so that outcomes do not stand in blocks."""
    labels = np.column_stack(cells).tolist()
    rows = [(row, copy) for row, size in zip(labels, records, strict=True) for copy in range(size)]
    rows.sort(key=lambda row: hashlib.sha256(repr(row).encode()).digest())
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    sides = [f"{side}_{category}" for side in ("prompt", "response") for category in CATEGORIES]
    writer.writerow(["prompt_id", *sides, "relevance"])
    for number, (row, _) in enumerate(rows, start=1):
        writer.writerow([f"r{number:04}", *row])
    return text.getvalue().encode()


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the corpus, or check the file that is there; return the exit code."""
    parser = argparse.ArgumentParser(description="Make the packaged reconstruction.")
    parser.add_argument("--check", action="store_true", help="compare with the file, write nothing")
    parser.add_argument("--output", type=Path, default=PACKAGED, help="default: %(default)s")
    options = parser.parse_args(arguments)
    cells = all_cells()
    made = as_csv(cells, reconstruct(cells))
    if options.check:
        same = options.output.is_file() and options.output.read_bytes() == made
        print(f"{options.output}: {'as made' if same else 'not what this script makes'}")
        return 0 if same else 1
    beside = options.output.with_suffix(".csv.part")
    beside.write_bytes(made)
    beside.replace(options.output)
    print(f"{options.output}: {RECORDS:,} records written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
