"""CPU seconds by the number of pairs, drawn."""

from collections.abc import Sequence
from pathlib import Path

import altair as alt

from benchmarks.speed.costs import Row


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw the analyses of every shape and the bare groupings, on scales of powers of ten."""
    points = [
        {"pairs": row.pairs, "CPU seconds": cost.seconds, "who": f"{by}, {row.shape}"}
        for row in rows
        if row.shape
        for by, cost in (("riskshift", row.ours), ("bare DuckDB", row.plain))
    ]
    power = alt.Scale(type="log")
    lines = alt.Chart(alt.InlineData(values=points), width=480, height=300).mark_line(point=True)
    lines.encode(
        x=alt.X("pairs:Q", scale=power, axis=alt.Axis(format="~s", grid=False)),
        y=alt.Y("CPU seconds:Q", scale=power, axis=alt.Axis(grid=False)),
        color=alt.Color("who:N", title=None),
    ).save(str(path))
