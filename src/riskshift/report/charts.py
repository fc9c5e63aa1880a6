"""Charts as SVG and PNG, made without a browser and without a network.

What comes back from the renderer is rebuilt from a short list of shapes and attributes, so that
nothing else can reach a page.
"""

import importlib.util
from dataclasses import replace
from typing import Final
from xml.etree import ElementTree

from riskshift.errors import UsageError
from riskshift.outputs.escape import visible
from riskshift.report import drawings
from riskshift.report.document import Figure

INSTALL: Final = "pip install 'riskshift[charts]'"
_KINDS: Final = {
    "intervals": drawings.intervals,
    "differences": drawings.intervals,
    "bars": drawings.bars,
    "heatmap": drawings.heatmap,
    "lines": drawings.lines,
}
# In characters; longer names lose their middle, because versions stand at the end.
_LONGEST: Final = {"intervals": 36, "differences": 60, "bars": 36, "heatmap": 18, "lines": 60}
_LONGEST_NARROW: Final = 20
# Which of a figure's lists of names a field of its rows belongs to.
_NAMES: Final = {
    "label": "order",
    "prompt": "order",
    "response": "order",
    "series": "series",
    "part": "series",
}
_SHAPES_KEPT: Final = frozenset({"svg", "g", "path", "rect", "line", "circle", "text", "tspan"})
_ATTRIBUTES_KEPT: Final = frozenset({
    "width", "height", "viewBox", "transform", "display", "opacity",
    "d", "x", "y", "x1", "x2", "y1", "y2", "dx", "dy", "cx", "cy", "r", "rx", "ry",
    "fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray",
    "stroke-linecap", "stroke-linejoin", "stroke-miterlimit",
    "text-anchor", "dominant-baseline", "font-family", "font-size", "font-weight", "font-style",
})  # fmt: skip


def available() -> bool:
    """Tell whether what draws is installed; a page is whole without, and says so."""
    return all(importlib.util.find_spec(name) for name in ("altair", "vl_convert"))


def require() -> None:
    """Refuse to draw where nothing draws.

    Raises
    ------
    UsageError
        In that case; the message is the line that installs it.
    """
    if not available():
        raise UsageError(f"charts cannot be drawn: {INSTALL}")


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
    require()
    import vl_convert

    # Altair's check of a definition takes as long as making it; the tests have it checked.
    definition = _KINDS[figure.kind](_named(figure)).to_dict(validate=False) | {
        "config": drawings.CONFIG
    }
    drawn = vl_convert.vegalite_to_svg(definition, allowed_base_urls=[])
    return _rebuilt(drawn, visible(figure.alt))


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
    return raster(svg(figure), scale=scale)


def raster(drawn: str, *, scale: float = 2.0) -> bytes:
    """Return a drawn SVG as PNG."""
    import vl_convert

    made: bytes = vl_convert.svg_to_png(drawn, scale=scale)
    return made


def _named(figure: Figure) -> Figure:
    """Give labels and series names that can be shown, fit, and stay apart."""
    longest = _LONGEST_NARROW if figure.narrow else _LONGEST[figure.kind]
    names = {
        "order": _distinct(figure.order, longest),
        "series": _distinct(figure.series or ("",), longest),
    }
    rows = tuple(
        {
            field: names[_NAMES[field]][str(value)] if field in _NAMES else value
            for field, value in row.items()
        }
        for row in figure.rows
    )
    order, series = (tuple(names[field].values()) for field in ("order", "series"))
    return replace(figure, rows=rows, order=order, series=series)


def _distinct(names: tuple[str, ...], longest: int) -> dict[str, str]:
    shown: dict[str, str] = {}
    for name in names:
        short = _shortened(visible(_shortened(name, 10 * longest)), longest)
        free, n = short, 2
        while free in shown.values():
            free, n = f"{short} ({n})", n + 1
        shown[name] = free
    return shown


def _shortened(name: str, longest: int) -> str:
    tail = longest // 3
    return name if len(name) <= longest else f"{name[: longest - tail - 1]}…{name[-tail:]}"


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
