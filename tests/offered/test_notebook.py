"""The notebook runs from its first cell to its last, and what it shows is worth showing."""

import ast
import json
from pathlib import Path

import pytest

PLACE = Path(__file__).parents[2] / "examples" / "tour.ipynb"
NOTEBOOK = json.loads(PLACE.read_text(encoding="utf-8"))
CODE = ["".join(cell["source"]) for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]


def run(source, names):
    """Run a cell as a notebook does: what its last line comes to is what it shows."""
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, str(PLACE), "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), "", "eval"), names)


@pytest.fixture(scope="module")
def shown():
    names = {"__name__": "__main__"}
    return [run(source, names) for source in CODE]


def test_every_cell_runs_and_results_show_themselves(shown):
    pages = [value._repr_html_() for value in shown if value is not None]
    assert len(pages) == len(CODE) - 1  # one prints instead
    assert all("<table" in page for page in pages)


def test_it_is_a_notebook_of_version_four_without_outputs():
    assert (NOTEBOOK["nbformat"], NOTEBOOK["nbformat_minor"]) == (4, 5)
    identities = [cell["id"] for cell in NOTEBOOK["cells"]]
    assert len(set(identities)) == len(identities)
    assert all(
        cell["outputs"] == [] and cell["execution_count"] is None
        for cell in NOTEBOOK["cells"]
        if cell["cell_type"] == "code"
    )
