"""Charts as SVG and PNG, drawn without a browser and without a network.

One function a kind of figure makes the chart's definition; names from the data enter it as data
only. What comes back from the renderer is rebuilt from a short list of shapes and attributes, so
that nothing else can reach a page.
"""

from math import ceil, floor, log10
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

from riskshift.report.document import Figure
from riskshift.report.escape import visible

if TYPE_CHECKING:
    import altair as alt

Row = dict[str, str | float | int]

WIDTH: Final = 640
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
_LONGEST: Final = 120
_CONFIG: Final[dict[str, Any]] = {
    "font": "sans-serif",
    "background": "white",
    "aria": False,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK, "titleColor": INK, "labelFontSize": 12, "titleFontSize": 12,
        "titleFontWeight": "normal", "labelLimit": 220, "labelPadding": 6, "labelFlush": False,
        "gridColor": "#e3e6ea", "domainColor": "#8a929c", "tickColor": "#8a929c",
    },
    "legend": {
        "orient": "top", "title": None, "labelFontSize": 12, "labelColor": INK,
        "labelLimit": 260, "columnPadding": 18, "symbolSize": 70, "offset": 10,
    },
    "text": {"fontSize": 12, "color": INK},
}  # fmt: skip
_SHAPES_KEPT: Final = frozenset({"svg", "g", "path", "rect", "line", "circle", "text", "tspan"})
_ATTRIBUTES_KEPT: Final = frozenset({
    "width", "height", "viewBox", "transform", "display", "opacity",
    "d", "x", "y", "x1", "x2", "y1", "y2", "dx", "dy", "cx", "cy", "r", "rx", "ry",
    "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray",
    "stroke-linecap", "stroke-linejoin", "stroke-miterlimit",
    "text-anchor", "dominant-baseline", "font-family", "font-size", "font-weight", "font-style",
})  # fmt: skip


def svg(figure: Figure) -> str:
    """Draw a figure as SVG: one element, that names itself to those who do not see it.

    Parameters
    ----------
    figure : Figure
        What to draw. Its names may be hostile.

    Returns
    -------
    str
        Markup of shapes and text alone: no link, script, style or outside resource. The same
        figure gives the same text.

    Examples
    --------
    >>> row = {"label": "sexual", "series": "", "estimate": 0.4, "low": 0.3, "high": 0.5}
    >>> svg(Figure("rates", "intervals", "Rates", "40%", (row,), ("sexual",)))[:41]
    '<svg xmlns="http://www.w3.org/2000/svg" w'
    """
    import vl_convert

    kinds = {"intervals": _intervals, "bars": _bars, "heatmap": _heatmap, "lines": _lines}
    # Altair's check of a definition takes as long as making it; the tests have it checked.
    definition = kinds[figure.kind](figure).to_dict(validate=False) | {"config": _CONFIG}
    drawn = vl_convert.vegalite_to_svg(definition, allowed_base_urls=[])
    return _rebuilt(drawn, _shown(figure.alt, longest=10_000))


def png(figure: Figure, *, scale: float = 2.0) -> bytes:
    """Draw a figure as PNG.

    Parameters
    ----------
    figure : Figure
        What to draw.
    scale : float, default 2
        Pixels for each of the 640 units of its width.

    Returns
    -------
    bytes

    Examples
    --------
    >>> row = {"label": "sexual", "series": "", "estimate": 0.4, "low": 0.3, "high": 0.5}
    >>> png(Figure("rates", "intervals", "Rates", "40%", (row,), ("sexual",)))[1:4]
    b'PNG'
    """
    import vl_convert

    drawn: bytes = vl_convert.svg_to_png(svg(figure), scale=scale)
    return drawn


def shade(count: int, total: int) -> int:
    """Return the shade of a count among `total`: 0 for none of them, 9 for nearly all.

    Examples
    --------
    >>> shade(0, 10), shade(1, 1000), shade(10, 10), shade(0, 0)
    (0, 1, 9, 0)
    """
    return min(9, 1 + 9 * count // total) if count else 0


def _intervals(figure: Figure) -> "alt.LayerChart":
    import altair as alt

    from riskshift.analysis.words import percent

    series = _names(figure.series) or [""]
    order = _names(figure.order)
    rows = [
        row
        | {
            "label": _shown(row["label"]),
            "series": _shown(row.get("series", "")) if figure.series else "",
            "told": percent(float(row["estimate"])),
        }
        for row in figure.rows
    ]
    ticks, form = _ticks(figure.rows)
    legend = alt.Legend(columns=_columns(series)) if len(series) > 1 else None
    base = alt.Chart(alt.InlineData(values=rows)).encode(
        y=_rows(order, padding=0.3 if len(series) > 1 else 0.1),
        yOffset=alt.YOffset("series", type="nominal", scale=alt.Scale(domain=series)),
        color=alt.Color(
            "series",
            type="nominal",
            scale=alt.Scale(domain=series, range=list(_SERIES)),
            legend=legend,
        ),
    )
    axis = alt.Axis(values=ticks, format=form, domain=False, ticks=False)
    scale = alt.Scale(domain=[ticks[0], ticks[-1]], nice=False, zero=False)
    whisker = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("low", type="quantitative", axis=axis, scale=scale, title=None),
        x2=alt.X2("high"),
    )
    dot = base.mark_point(filled=True, size=75, opacity=1).encode(
        x=alt.X("estimate", type="quantitative", scale=scale),
        shape=alt.Shape(
            "series",
            type="nominal",
            scale=alt.Scale(domain=series, range=list(_SHAPES)),
            legend=legend,
        ),
    )
    told = base.mark_text(align="right", dx=64, fontSize=11).encode(
        x=alt.value("width"), text=alt.Text("told", type="nominal"), color=alt.value(INK)
    )
    height = len(order) * max(30, 18 * len(series) + 14)
    return _layered(height, whisker, dot, told)


def _bars(figure: Figure) -> "alt.LayerChart":
    import altair as alt

    parts, order = _names(figure.series), _names(figure.order)
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
            legend=alt.Legend(columns=_columns(parts), symbolType="square"),
        ),
    )
    told = base.mark_text(fontSize=11).encode(
        x=alt.X("middle", type="quantitative"),
        text=alt.Text("told", type="nominal"),
        color=alt.Color("ink", type="nominal", scale=None),
    )
    totals = {
        _shown(label): sum(int(row["count"]) for row in figure.rows if row["label"] == label)
        for label in figure.order
    }
    ends = [{"label": label, "told": f"n = {total:,}"} for label, total in totals.items()]
    end = (
        alt.Chart(alt.InlineData(values=ends))
        .mark_text(align="left", dx=12, fontSize=11)
        .encode(
            y=_rows(order, padding=0.25),
            x=alt.value("width"),
            text=alt.Text("told", type="nominal"),
        )
    )
    return _layered(36 * len(order), bar, told, end)


def _stacked(figure: Figure, parts: list[str], colours: dict[str, str]) -> list[Row]:
    """Place the parts of each bar one after another."""
    from riskshift.analysis.words import percent

    placed: list[Row] = []
    for label in figure.order:
        end = 0.0
        mine = [row for row in figure.rows if row["label"] == label]
        for row in sorted(mine, key=lambda row: parts.index(_shown(row["part"]))):
            start, end, part = end, end + float(row["share"]), _shown(row["part"])
            placed.append(
                {
                    "label": _shown(label),
                    "part": part,
                    "start": start,
                    "end": end,
                    "middle": (start + end) / 2,
                    "told": percent(end - start) if end - start >= 0.09 else "",
                    "ink": "#ffffff" if colours[part] in _DARK_PARTS else INK,
                }
            )
    return placed


def _heatmap(figure: Figure) -> "alt.LayerChart":
    import altair as alt

    from riskshift.analysis.words import percent

    levels = _names(figure.order)
    totals = {
        level: sum(int(row["count"]) for row in figure.rows if row["prompt"] == level)
        for level in figure.order
    }
    rows = []
    for row in figure.rows:
        count, total = int(row["count"]), totals[str(row["prompt"])]
        at = shade(count, total)
        rows.append(
            {
                "prompt": _shown(row["prompt"]),
                "response": _shown(row["response"]),
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
        domain=False,
        ticks=False,
        grid=False,
    )
    down = alt.Axis(title="Prompt severity", domain=False, ticks=False, grid=False)
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
    share = base.mark_text(fontSize=11, dy=10).encode(
        text=alt.Text("share", type="nominal"), color=ink
    )
    return _layered(52 * len(levels), cell, count, share)


def _lines(figure: Figure) -> "alt.LayerChart":
    import altair as alt

    series, (across, up) = _names(figure.series), _names(figure.order)
    rows = [row | {"series": _shown(row["series"])} for row in figure.rows]
    numbers = [float(row["x"]) for row in figure.rows]
    shares, form = _ticks(tuple({"low": 0.0, "high": row["y"]} for row in figure.rows))
    line = (
        alt.Chart(alt.InlineData(values=rows))
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
                legend=alt.Legend(columns=_columns(series), symbolType="stroke", symbolSize=400),
            ),
            strokeDash=alt.StrokeDash(
                "series",
                type="nominal",
                scale=alt.Scale(domain=series, range=[list(dash) for dash in _DASHES]),
            ),
        )
    )
    return _layered(300, line)


def _rows(order: list[str], *, padding: float) -> "alt.Y":
    import altair as alt

    scale = alt.Scale(domain=order, paddingInner=padding, paddingOuter=padding / 2)
    axis = alt.Axis(domain=False, ticks=False, grid=False)
    return alt.Y("label", type="nominal", scale=scale, axis=axis, title=None)


def _layered(height: int, *layers: "alt.Chart") -> "alt.LayerChart":
    import altair as alt

    size = alt.AutoSizeParams(type="fit-x", contains="padding")
    return alt.LayerChart(layer=list(layers), width=WIDTH, height=height, autosize=size, padding=5)


def _ticks(rows: tuple[Row, ...]) -> tuple[list[float], str]:
    """Return round ticks from 0 (or below) to past the highest end, and their number format."""
    top = max([float(row["high"]) for row in rows], default=1.0)
    bottom = min([0.0, *(float(row["low"]) for row in rows)])
    span = max(top, 0.0) - bottom or 1.0
    size = 10.0 ** floor(log10(span / 6))
    step = next(step * size for step in (1, 2, 5, 10) if step * size * 6 >= span * (1 - 1e-9))
    first, last = floor(bottom / step + 1e-9), max(1, ceil(top / step - 1e-9))
    digits = max(0, -floor(log10(step) + 1e-9) - 2)
    return [round(at * step, 12) for at in range(first, last + 1)], f".{digits}%"


def _decades(numbers: list[float]) -> list[float]:
    """Return the round numbers (1, 2 and 5 times a power of ten) between the ends of others."""
    low, high = min(numbers), max(numbers)
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    ticks = [step * 10.0**power for power in powers for step in (1, 2, 5)]
    return [tick for tick in ticks if low <= tick <= high]


def _columns(names: list[str]) -> int:
    """Return how many legend entries fit side by side."""
    widest = min(260, max(7 * len(name) for name in names)) + 40
    return max(1, min(len(names), WIDTH // widest))


def _spread(position: int, parts: int) -> int:
    """Return which colour the part at `position` has, of colours spread over all parts."""
    last = len(_PARTS) - 1
    if parts > len(_PARTS):
        return position % len(_PARTS)
    return round(position * last / max(1, parts - 1))


def _names(names: tuple[str, ...]) -> list[str]:
    return [_shown(name) for name in names]


def _shown(name: object, *, longest: int = _LONGEST) -> str:
    text = str(name)
    text = visible(text if len(text) <= longest else f"{text[: longest - 1]}…")
    # The two characters that XML forbids though they are no controls.
    return text.replace("\ufffe", "⟨U+FFFE⟩").replace("\uffff", "⟨U+FFFF⟩")


def _rebuilt(drawn: str, alt: str) -> str:
    """Copy shapes and text, leaving out whatever is not on the lists."""
    # The renderer's output has no document type, so no entity can expand.
    root = _copied(ElementTree.fromstring(drawn))  # noqa: S314
    given = root.attrib
    root.attrib = {"xmlns": "http://www.w3.org/2000/svg", **given, "role": "img", "aria-label": alt}
    return ElementTree.tostring(root, encoding="unicode")


def _copied(element: ElementTree.Element) -> ElementTree.Element:
    kept = {name: value for name, value in element.attrib.items() if name in _ATTRIBUTES_KEPT}
    copy = ElementTree.Element(_tag(element), kept)
    copy.text = element.text
    copy.extend(_copied(child) for child in element if _tag(child) in _SHAPES_KEPT)
    return copy


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]
