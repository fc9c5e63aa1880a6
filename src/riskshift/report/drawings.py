"""Definitions of charts, one function a kind of figure: names from the data enter as data only."""

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import TYPE_CHECKING, Any, Final

from riskshift.report.document import Figure

if TYPE_CHECKING:
    import altair as alt

Row = dict[str, str | float | int]

WIDTH: Final = 640
# Of a chart among several side by side: no wider than a telephone.
NARROW: Final = 350
# Shares as percentage points with their sign; the minus is the typographic one in Vega, ours is not.
_POINTS: Final = "(datum.value > 1e-9 ? '+' : datum.value < -1e-9 ? '-' : '') + format(abs(100 * datum.value), '.3~g')"
INK: Final = "#1c2430"
# Shades of a share of its row, from none to all; the page's heat-0 to heat-9 are the same.
HEAT: Final = (
    "#ffffff", "#f1f6fb", "#e1ecf6", "#cfe0f0", "#b7d0e8",
    "#98bbdd", "#5f8fc4", "#4478b2", "#2c5f9a", "#1c4679",
)  # fmt: skip
_FIRST_DARK: Final = 7
# Okabe and Ito's colours for the colour-blind, those that stand out on white; shapes tell the
# series apart where there is no colour.
_SERIES: Final = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#e69f00")
_DASHES: Final = ((1, 0), (6, 3), (2, 2), (8, 3, 2, 3), (12, 4), (4, 4))
_SHAPES: Final = ("circle", "square", "diamond", "triangle-up", "cross", "triangle-down")
# From light to dark, so that stacked parts keep their order in grey.
_PARTS: Final = ("#f2e3a0", "#a9d5b5", "#5bb5c4", "#2f83b6", "#2a5599", "#1d2f6f")
_DARK_PARTS: Final = frozenset(_PARTS[3:])
# How much wider a letter may be where the chart is shown than where it was measured, in pixels.
_WIDER: Final = 1.2
CONFIG: Final[dict[str, Any]] = {
    "font": "sans-serif",
    "background": "white",
    "aria": False,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK, "titleColor": INK, "labelFontSize": 12, "titleFontSize": 12,
        "titleFontWeight": "normal", "labelLimit": 440, "labelPadding": 6, "labelFlush": False,
        "gridColor": "#e3e6ea", "domainColor": "#8a929c", "tickColor": "#8a929c",
    },
    "legend": {
        "orient": "top", "title": None, "labelFontSize": 12, "labelColor": INK,
        "labelLimit": 440, "columnPadding": 18, "symbolSize": 70, "offset": 10,
    },
    "text": {"fontSize": 12, "color": INK},
}  # fmt: skip


def shade(count: int, total: int) -> int:
    """Return the shade of a count among `total`: 0 for none of them, 9 for nearly all.

    Examples
    --------
    >>> shade(0, 10), shade(1, 1000), shade(10, 10), shade(0, 0)
    (0, 1, 9, 0)
    """
    return min(9, 1 + 9 * count // total) if count else 0


def intervals(figure: Figure) -> "alt.LayerChart":
    """Draw dots with intervals, each row's series below one another."""
    import altair as alt

    low, high = figure.limits or _ends(figure.rows)
    ticks, form = _ticks(low, high, most=3 if figure.narrow else 6)
    rows = [_clipped(row, ticks[0], ticks[-1]) | _told(row, figure.kind) for row in figure.rows]
    axis = alt.Axis(values=ticks, format=form, domain=False, ticks=False)
    if figure.kind == "differences":
        axis = alt.Axis(values=ticks, labelExpr=_POINTS, domain=False, ticks=False)
    scale = alt.Scale(domain=[ticks[0], ticks[-1]], nice=False, zero=False)

    def at(field: str) -> "alt.X":
        return alt.X(field, type="quantitative", axis=axis, scale=scale, title=None)

    layers = [
        *(_rule(value).encode(x=at("at")) for value in figure.marks),
        _of(figure, rows).mark_rule(strokeWidth=2).encode(x=at("start"), x2=alt.X2("end")),
    ]
    inside = [row for row in rows if ticks[0] <= float(row["estimate"]) <= ticks[-1]]
    for few, ground in ((0, alt.Undefined), (1, "white")):
        dots = _of(figure, [row for row in inside if row.get("few", 0) == few])
        # What is not filled has its outline in the colour of its series.
        mark = dots.mark_point(size=75, opacity=1, strokeWidth=2, filled=not few, fill=ground)
        layers.append(mark.encode(x=at("estimate"), shape=_shape(figure)))
    for side, arrow in (("start", "triangle-left"), ("end", "triangle-right")):
        beyond = _of(figure, [row for row in rows if row[f"beyond_{side}"]])
        mark = beyond.mark_point(shape=arrow, size=90, filled=True, opacity=1)
        layers.append(mark.encode(x=at(side)))
    layers.append(_numbers(figure, rows))
    each = 24 if figure.narrow else max(26, 18 * len(figure.series) + 14)
    width = NARROW if figure.narrow else WIDTH
    return _layered(len(figure.order) * each, *layers, labels=figure.order, width=width)


def _of(figure: Figure, rows: Sequence[Row]) -> "alt.Chart":
    """Begin a layer of some rows: where they stand, and the colour of their series."""
    import altair as alt

    series, several = list(figure.series), len(figure.series) > 1
    made = alt.Chart(alt.InlineData(values=list(rows))).encode(
        y=_rows(list(figure.order), padding=0.3 if several else 0.1),
        color=alt.Color(
            "series",
            type="nominal",
            scale=alt.Scale(domain=series, range=list(_SERIES)),
            legend=_legend(figure),
        ),
    )
    if not several:
        return made
    return made.encode(
        yOffset=alt.YOffset("series", type="nominal", scale=alt.Scale(domain=series))
    )


def _shape(figure: Figure) -> "alt.Shape":
    import altair as alt

    scale = alt.Scale(domain=list(figure.series), range=list(_SHAPES))
    return alt.Shape("series", type="nominal", scale=scale, legend=_legend(figure))


def _legend(figure: Figure) -> "alt.Legend | None":
    import altair as alt

    if len(figure.series) < 2:
        return None
    return alt.Legend(columns=_columns(list(figure.series), list(figure.order)))


def _rule(value: float) -> "alt.Chart":
    """Draw a line to hold differences against: no difference whole, others dashed."""
    import altair as alt

    dash = [1, 0] if value == 0 else [4, 3]
    made = alt.Chart(alt.InlineData(values=[{"at": value}]))
    drawn: alt.Chart = made.mark_rule(color=INK, strokeDash=dash, strokeWidth=1)
    return drawn


def _numbers(figure: Figure, rows: Sequence[Row]) -> "alt.Chart":
    """Write the numbers in a column on the right."""
    import altair as alt

    width = 12 + round(6.8 * max((len(str(row["told"])) for row in rows), default=6))
    text = _of(figure, rows).mark_text(align="right", dx=width, fontSize=12)
    drawn: alt.Chart = text.encode(
        x=alt.value("width"), text=alt.Text("told", type="nominal"), color=alt.value(INK)
    )
    return drawn


def _told(row: Row, kind: str) -> Row:
    from riskshift.analysis.words import percent, points

    number = (points if kind == "differences" else percent)(float(row["estimate"]))
    return {"told": f"{number} {row.get('beside', '')}".strip()}


def _clipped(row: Row, low: float, high: float) -> Row:
    """Cut an interval at the ends of the axis, and say where it goes on."""
    start, end = float(row["low"]), float(row["high"])
    return row | {
        "start": min(max(start, low), high),
        "end": max(min(end, high), low),
        "beyond_start": int(start < low - 1e-9),
        "beyond_end": int(end > high + 1e-9),
    }


def _ends(rows: Sequence[Row]) -> tuple[float, float]:
    low = min((float(row["low"]) for row in rows), default=0.0)
    return low, max((float(row["high"]) for row in rows), default=1.0)


def bars(figure: Figure) -> "alt.LayerChart":
    """Draw bars of stacked parts, each filling its row."""
    import altair as alt

    parts, order = list(figure.series), list(figure.order)
    palette = [_PARTS[_spread(i, len(parts))] for i in range(len(parts))]
    colours = dict(zip(parts, palette, strict=True))
    base = alt.Chart(alt.InlineData(values=_stacked(figure, parts, colours))).encode(
        y=_rows(order, padding=0.25)
    )
    axis = alt.Axis(
        values=[0, 0.25, 0.5, 0.75, 1], format=".0%", domain=False, ticks=False, grid=False
    )
    bar = base.mark_bar(stroke="white", strokeWidth=1).encode(
        x=alt.X(
            "start",
            type="quantitative",
            axis=axis,
            scale=alt.Scale(domain=[0, 1], nice=False),
            title=None,
        ),
        x2=alt.X2("end"),
        color=alt.Color(
            "part",
            type="nominal",
            scale=alt.Scale(domain=parts, range=palette),
            legend=alt.Legend(columns=_columns(parts, order), symbolType="square"),
        ),
    )
    told = base.mark_text(fontSize=12).encode(
        x=alt.X("middle", type="quantitative"),
        text=alt.Text("told", type="nominal"),
        color=alt.Color("ink", type="nominal", scale=None),
    )
    totals = _totals(figure, "label")
    ends = [{"label": label, "told": f"n = {total:,}"} for label, total in totals.items()]
    end = (
        alt.Chart(alt.InlineData(values=ends))
        .mark_text(align="left", dx=12, fontSize=12)
        .encode(
            y=_rows(order, padding=0.25),
            x=alt.value("width"),
            text=alt.Text("told", type="nominal"),
        )
    )
    return _layered(36 * len(order), bar, told, end, labels=order)


def _stacked(figure: Figure, parts: list[str], colours: dict[str, str]) -> list[Row]:
    """Place the parts of each bar one after another."""
    from riskshift.analysis.words import percent

    placed: list[Row] = []
    for label in figure.order:
        end = 0.0
        mine = [row for row in figure.rows if row["label"] == label]
        for row in sorted(mine, key=lambda row: parts.index(str(row["part"]))):
            start, end, part = end, end + float(row["share"]), str(row["part"])
            placed.append(
                {
                    "label": label,
                    "part": part,
                    "start": start,
                    "end": end,
                    "middle": (start + end) / 2,
                    "told": percent(end - start) if end - start >= 0.09 else "",
                    "ink": "#ffffff" if colours[part] in _DARK_PARTS else INK,
                }
            )
    return placed


def heatmap(figure: Figure) -> "alt.LayerChart":
    """Draw counts by prompt and response severity, shaded by their share of the row."""
    import altair as alt

    from riskshift.analysis.words import percent

    levels, totals = list(figure.order), _totals(figure, "prompt")
    rows = []
    for row in figure.rows:
        count, total = int(row["count"]), totals[str(row["prompt"])]
        at = shade(count, total)
        rows.append(
            row
            | {
                "fill": HEAT[at],
                "ink": "#ffffff" if at >= _FIRST_DARK else INK,
                "count": f"{count:,}",
                "share": percent(count / total) if total else "",
            }
        )
    scale = alt.Scale(domain=levels, paddingInner=0.03)
    across = alt.Axis(
        orient="top",
        labelAngle=0,
        title="Response severity",
        labelLimit=480 // max(1, len(levels)),
        domain=False,
        ticks=False,
        grid=False,
    )
    down = alt.Axis(title="Prompt severity", labelLimit=120, domain=False, ticks=False, grid=False)
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        x=alt.X("response", type="ordinal", scale=scale, axis=across),
        y=alt.Y("prompt", type="ordinal", scale=scale, axis=down),
    )
    cell = base.mark_rect(stroke="#c3cad3", strokeWidth=1).encode(
        fill=alt.Fill("fill", type="nominal", scale=None)
    )
    ink = alt.Color("ink", type="nominal", scale=None)
    count = base.mark_text(fontSize=14, dy=-8).encode(
        text=alt.Text("count", type="nominal"), color=ink
    )
    share = base.mark_text(fontSize=12, dy=10).encode(
        text=alt.Text("share", type="nominal"), color=ink
    )
    return _layered(52 * len(levels), cell, count, share)


def lines(figure: Figure) -> "alt.LayerChart":
    """Draw shares along numbers."""
    import altair as alt

    series, (across, up) = list(figure.series), figure.order
    numbers = [float(row["x"]) for row in figure.rows]
    shares, form = _ticks(0.0, max((float(row["y"]) for row in figure.rows), default=1.0))
    line = (
        alt.Chart(alt.InlineData(values=list(figure.rows)))
        .mark_line(strokeWidth=2)
        .encode(
            x=alt.X(
                "x",
                type="quantitative",
                scale=alt.Scale(type="log", domain=[min(numbers), max(numbers)], nice=False),
                axis=alt.Axis(values=_decades(numbers), format=",d", domain=False, ticks=False),
                title=across,
            ),
            y=alt.Y(
                "y",
                type="quantitative",
                scale=alt.Scale(domain=[0, shares[-1]], nice=False),
                axis=alt.Axis(values=shares, format=form, domain=False, ticks=False),
                title=up,
            ),
            color=alt.Color(
                "series",
                type="nominal",
                scale=alt.Scale(domain=series, range=list(_SERIES)),
                legend=alt.Legend(
                    columns=_columns(series, []), symbolType="stroke", symbolSize=400
                ),
            ),
            strokeDash=alt.StrokeDash(
                "series",
                type="nominal",
                scale=alt.Scale(domain=series, range=[list(dash) for dash in _DASHES]),
            ),
        )
    )
    return _layered(300, line)


def _totals(figure: Figure, field: str) -> dict[str, int]:
    """Sum the counts of each label, in order."""
    return {
        label: sum(int(row["count"]) for row in figure.rows if row[field] == label)
        for label in figure.order
    }


def _rows(order: list[str], *, padding: float) -> "alt.Y":
    import altair as alt

    scale = alt.Scale(domain=order, paddingInner=padding, paddingOuter=padding / 2)
    axis = alt.Axis(domain=False, ticks=False, grid=False)
    return alt.Y("label", type="nominal", scale=scale, axis=axis, title=None)


def _layered(
    height: int, *layers: "alt.Chart", labels: Sequence[str] = (), width: int = WIDTH
) -> "alt.LayerChart":
    """Lay charts over one another; labels on the left have room for the widest of usual fonts."""
    import altair as alt

    size = alt.AutoSizeParams(type="fit-x", contains="padding")
    room = 5 + round(_WIDER * max(map(len, labels), default=0))
    padding = {"left": room, "right": 12, "top": 5, "bottom": 5}
    return alt.LayerChart(
        layer=list(layers), width=width, height=height, autosize=size, padding=padding
    )


def _ticks(bottom: float, top: float, *, most: int = 6) -> tuple[list[float], str]:
    """Return round ticks from 0 (or below) to past the highest end, and their number format."""
    low, high = min(0.0, bottom), max(0.0, top)
    span = high - low or 1.0
    size = 10.0 ** floor(log10(span / most))
    step = next(step * size for step in (1, 2, 5, 10) if step * size * most >= span * (1 - 1e-9))
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    if first == last:
        last += 1
    digits = max(0, -floor(log10(step) + 1e-9) - 2)
    return [round(at * step, 12) for at in range(first, last + 1)], f".{digits}%"


def _decades(numbers: list[float]) -> list[float]:
    """Return the round numbers (1, 2 and 5 times a power of ten) between the ends of others."""
    low, high = min(numbers), max(numbers)
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    ticks = [step * 10.0**power for power in powers for step in (1, 2, 5)]
    return [tick for tick in ticks if low <= tick <= high]


def _columns(names: list[str], order: list[str]) -> int:
    """Return how many legend entries fit side by side above the plot, right of its labels."""
    room = WIDTH - 60 - max((6 * len(label) for label in order), default=0)
    widest = max(6 * len(name) for name in names) + 40
    return max(1, min(len(names), room // widest))


def _spread(position: int, parts: int) -> int:
    """Return which colour the part at `position` has, of colours spread over all parts."""
    last = len(_PARTS) - 1
    if parts > len(_PARTS):
        return position % len(_PARTS)
    return round(position * last / max(1, parts - 1))
