"""Sum up the lab's rows: a Markdown table on standard output, and two pictures in docs/.

    python -m benchmarks.coverage --draws 400 --save lab
    python scripts/draw_validity.py lab

A point of a picture is a setting. The table has the lowest and the highest of all settings of a
statement, by riskshift and by the naive choice beside it.
"""

import argparse
import json
from collections import defaultdict
from pathlib import Path
from typing import Any, Final

import altair as alt

DOCS: Final = Path(__file__).resolve().parents[1] / "docs"
OURS: Final = "riskshift"
NAIVE: Final = "naive"
COLOURS: Final = ["#1b6ca8", "#c9730a"]
PICTURES: Final = {
    "coverage": ("Share of intervals that hold the truth", 0.95, "validity-coverage.svg"),
    "error": ("Share of false statements", 0.025, "validity-errors.svg"),
}
KINDS: Final = ["coverage", "error", "power"]


def main(arguments: list[str] | None = None) -> None:
    """Print the table and write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="what --save of the lab wrote")
    folder = parser.parse_args(arguments).folder
    rows = [row for path in sorted(folder.glob("*.json")) for row in json.loads(path.read_text())]
    rows = [{**row, "who": who(row)} for row in rows]
    print("\n".join(table([row for row in rows if row["who"]])))
    for measure, (title, meant, name) in PICTURES.items():
        drawn = [row for row in rows if row["who"] and row["measure"] == measure]
        picture(drawn, title, meant).save(DOCS / name)


def who(row: dict[str, Any]) -> str | None:
    """Tell whose choice a row is about; None for what was only considered."""
    beginning = row["method"].split(maxsplit=1)[0].rstrip(":,")
    return beginning if beginning in (OURS, NAIVE) else None


def table(rows: list[dict[str, Any]]) -> list[str]:
    """Return a line a statement and measure."""
    groups: dict[tuple[str, str], dict[str, list[dict[str, Any]]]] = {}
    for row in sorted(
        rows, key=lambda row: KINDS.index(row["measure"]) if who_measures(row) else 9
    ):
        if who_measures(row):
            key = row["measure"], row["kind"]
            groups.setdefault(key, defaultdict(list))[row["who"]].append(row)
    lines = [
        "| measure | statement | settings | promised | riskshift | naive |",
        "|---|---|--:|---|---|---|",
    ]
    for (measure, kind), of in groups.items():
        ours = of[OURS]
        cells = (measure, kind, f"{len(ours):,}", promise(ours), spread(ours), spread(of[NAIVE]))
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def who_measures(row: dict[str, Any]) -> bool:
    """Tell whether a row's measure is summed up."""
    return row["measure"] in KINDS


def promise(rows: list[dict[str, Any]]) -> str:
    """Say what is promised, and of how many settings where not of all."""
    held = [row for row in rows if row["least"] > 0 or row["most"] < 1]
    if not held:
        return ""
    least, most = min(row["least"] for row in held), max(row["most"] for row in held)
    said = f"at least {least:.1%}" if most == 1 else f"{least:.1%} to {most:.1%}"
    if least <= 0:
        said = f"at most {most:.1%}"
    return said if len(held) == len(rows) else f"{said} ({len(held)} settings)"


def spread(rows: list[dict[str, Any]]) -> str:
    """Return the lowest and the highest value; of what is promised, where anything is."""
    held = [row for row in rows if row["least"] > 0 or row["most"] < 1] or rows
    if not held:
        return ""
    values = [row["value"] for row in held]
    return f"{min(values):.1%} to {max(values):.1%}"


def picture(
    rows: list[dict[str, Any]], title: str, meant: float
) -> alt.LayerChart | alt.FacetChart:
    """Draw a point a setting, statement by statement, and what is meant."""
    shown = [{"kind": row["kind"], "who": row["who"], "value": row["value"]} for row in rows]
    data = alt.Data(values=shown)  # type: ignore[no-untyped-call]
    line = alt.Data(values=[{"meant": meant}])  # type: ignore[no-untyped-call]
    points = (
        alt.Chart(data)
        .mark_tick(thickness=2, size=8, opacity=0.6)
        .encode(
            x=alt.X("value:Q", title=title, axis=alt.Axis(format="%")),
            y=alt.Y("kind:N", title=None, axis=alt.Axis(labelLimit=320)),
            yOffset=alt.YOffset("who:N", sort=[OURS, NAIVE]),
            color=alt.Color(
                "who:N",
                title=None,
                scale=alt.Scale(domain=[OURS, NAIVE], range=COLOURS),
                legend=alt.Legend(orient="top"),
            ),
        )
        .properties(width=520, height=alt.Step(11))
    )
    rule = alt.Chart(line).mark_rule(strokeDash=[4, 3])
    return alt.layer(points, rule.encode(x="meant:Q"))


if __name__ == "__main__":
    main()
