"""Definitions of charts: valid, true to their numbers, readable without colour."""

import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from riskshift.report import charts, drawings
from riskshift.report.document import Figure
from riskshift.report.stories.rates import interval_figure

NAMESPACE = "{http://www.w3.org/2000/svg}"
KINDS = {
    "intervals": drawings.intervals,
    "bars": drawings.bars,
    "heatmap": drawings.heatmap,
    "lines": drawings.lines,
}


def of_kind(document, kind):
    return next(figure for figure in document.figures() if figure.kind == kind)


def parsed(figure):
    return ElementTree.fromstring(charts.svg(figure))


def texts(figure):
    return [element.text for element in parsed(figure).iter(f"{NAMESPACE}text")]


def dots(*shares, low=0.0, high=1.0):
    rows = tuple(
        {"label": f"row {i}", "series": "", "estimate": share, "low": low, "high": high}
        for i, share in enumerate(shares)
    )
    return Figure("dots", "intervals", "Dots", "alt", rows, tuple(row["label"] for row in rows))


@pytest.mark.parametrize("kind", KINDS)
def test_the_definition_is_valid(kind, document):
    definition = KINDS[kind](of_kind(document, kind)).to_dict(validate=True)
    assert definition["layer"]


@pytest.mark.parametrize("kind", ["intervals", "bars", "heatmap"])
def test_no_name_enters_a_definition_but_as_data(kind, hostile_document):
    definition = KINDS[kind](of_kind(hostile_document, kind)).to_dict()
    marked = replace_data(definition)
    assert "alert" not in marked
    assert "expr" not in marked
    assert "href" not in marked


def replace_data(definition):
    """Write a definition without its rows and its lists of names."""
    if isinstance(definition, dict):
        kept = {k: v for k, v in definition.items() if k not in ("values", "domain", "datasets")}
        return "".join(k + replace_data(v) for k, v in kept.items())
    if isinstance(definition, list):
        return "".join(map(replace_data, definition))
    return str(definition)


@pytest.mark.parametrize(
    ("highest", "ticks"),
    [
        (0.003, ["0.00%", "0.05%", "0.10%", "0.15%", "0.20%", "0.25%", "0.30%"]),
        (0.04, ["0%", "1%", "2%", "3%", "4%"]),
        (0.31, ["0%", "10%", "20%", "30%", "40%"]),
        (1.0, ["0%", "20%", "40%", "60%", "80%", "100%"]),
    ],
)
def test_shares_are_on_an_axis_from_zero_to_a_round_number(highest, ticks):
    found = [text for text in texts(dots(highest / 2, high=highest)) if text and "%" in text]
    assert found[: len(ticks)] == ticks


def test_a_share_is_drawn_where_its_axis_puts_it():
    shown = parsed(dots(0.0, 0.5, 1.0))
    places = [
        float(re.match(r"translate\(([-\d.]+),", path.attrib["transform"])[1])
        for path in shown.iter(f"{NAMESPACE}path")
        if path.attrib.get("fill") == drawings._SERIES[0]
    ]
    first, middle, last = places
    assert first == pytest.approx(0, abs=1)
    assert middle == pytest.approx((first + last) / 2)
    assert last > 300


def test_a_small_share_is_never_written_as_none():
    assert "<0.1%" in texts(dots(0.0001, high=0.01))
    assert "0%" in texts(dots(0.0, high=0.01))


def test_undefined_rows_leave_their_label():
    figure = dots(0.2, 0.3)
    assert "row 1" in texts(replace(figure, rows=figure.rows[:1]))
    assert texts(replace(figure, rows=()))


def test_series_differ_by_shape_and_not_by_colour_alone():
    shapes, colours = drawings._SHAPES, drawings._SERIES
    assert len(set(shapes)) == len(set(colours)) == len(shapes)


def test_parts_of_a_bar_fill_it_and_say_how_many_they_are(document):
    figure = of_kind(document, "bars")
    stacked = drawings._stacked(
        figure, list(figure.series), dict.fromkeys(figure.series, drawings._PARTS[0])
    )
    for label in figure.order:
        mine = [row for row in stacked if row["label"] == label]
        assert mine[0]["start"] == 0
        assert mine[-1]["end"] == pytest.approx(1)
        assert [row["end"] for row in mine[:-1]] == [row["start"] for row in mine[1:]]
        total = sum(row["count"] for row in figure.rows if row["label"] == label)
        assert f"n = {total}" in texts(figure)


def test_a_heat_map_writes_counts_and_shares_of_the_row(document):
    figure = of_kind(document, "heatmap")
    assert {"364", "91.9%", "325", "0%"} <= set(texts(figure))


def contrast(one, other):
    """Ratio of luminances, as the Web Content Accessibility Guidelines define it."""

    def luminance(colour):
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return sum(w * p for w, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_writing_on_shades_and_bars_can_be_read():
    for at, colour in enumerate(drawings.HEAT):
        ink = "#ffffff" if at >= drawings._FIRST_DARK else drawings.INK
        assert contrast(ink, colour) >= 4.5
    for colour in drawings._PARTS:
        ink = "#ffffff" if colour in drawings._DARK_PARTS else drawings.INK
        assert contrast(ink, colour) >= 4


def test_shades_and_parts_keep_their_order_in_grey():
    for colours in (drawings.HEAT, drawings._PARTS):
        darkness = [contrast("#ffffff", colour) for colour in colours]
        assert darkness == sorted(darkness)
        assert len(set(darkness)) == len(darkness)


def test_lines_go_from_the_first_number_to_the_last_and_differ_by_their_dashes(document):
    shown = parsed(of_kind(document, "lines"))
    paths = [path.attrib for path in shown.iter(f"{NAMESPACE}path") if "stroke" in path.attrib]
    drawn = [path for path in paths if path["stroke"] in drawings._SERIES and "L" in path["d"]]
    assert len({path["stroke"] for path in drawn}) == 3
    assert len({path.get("stroke-dasharray") for path in drawn}) == 3
    assert {"10", "100", "1,000", "Width"} <= set(texts(of_kind(document, "lines")))


def weighed(*rows):
    """Rows of (estimate, low, high, few)."""
    return [
        {"label": f"row {at}", "series": "", "estimate": e, "low": low, "high": high, "few": few}
        for at, (e, low, high, few) in enumerate(rows)
    ]


def test_few_records_do_not_stretch_the_axis():
    rows = weighed((0.04, 0.02, 0.06, 0), (0.05, 0.03, 0.08, 0), (0.5, 0.2, 0.8, 1))
    figure = interval_figure("x", "X", "alt", rows, [row["label"] for row in rows])
    assert figure.limits == (0.0, 0.08)
    assert "An arrow" in figure.note
    shown = texts(figure)
    assert "8%" in shown
    assert "80%" not in shown
    # The number beside it is there all the same.
    assert "50.0%" in " ".join(shown)


def test_a_hollow_dot_has_an_outline():
    rows = weighed((0.04, 0.02, 0.06, 0), (0.05, 0.03, 0.08, 1))
    figure = interval_figure("x", "X", "alt", rows, [row["label"] for row in rows])
    shown = [path.attrib for path in parsed(figure).iter(f"{NAMESPACE}path")]
    hollow = [path for path in shown if path.get("fill") == "white" and "A" in path["d"]]
    assert [path.get("stroke") in drawings._SERIES for path in hollow] == [True]


def test_an_axis_is_as_long_as_records_enough_ask_for():
    rows = weighed((0.04, 0.02, 0.06, 0), (0.5, 0.4, 0.8, 0), (0.05, 0.03, 0.08, 1))
    figure = interval_figure("x", "X", "alt", rows, [row["label"] for row in rows])
    assert figure.limits is None
    assert figure.note == "Hollow: fewer than 30 records."


def test_where_all_rest_on_few_records_nothing_is_cut():
    rows = weighed((0.04, 0.02, 0.06, 1), (0.5, 0.2, 0.8, 1))
    figure = interval_figure("x", "X", "alt", rows, [row["label"] for row in rows])
    assert (figure.limits, figure.note) == (None, "")


def test_differences_are_in_points_and_have_their_lines():
    rows = weighed((0.02, -0.01, 0.05, 0), (-0.03, -0.06, -0.01, 0))
    figure = interval_figure(
        "x", "X", "alt", rows, [r["label"] for r in rows], kind="differences", marks=(0.0, 0.01)
    )
    shown = texts(figure)
    assert {"+2.0", "-3.0", "-2", "0", "+2"} <= {text.strip() for text in shown}
    drawings.intervals(figure).to_dict(validate=True)


def test_a_narrow_chart_fits_a_telephone():
    rows = weighed((0.04, 0.02, 0.06, 0))
    figure = interval_figure("x", "X", "alt", rows, ["row 0"], narrow=True)
    assert int(parsed(figure).attrib["width"]) <= 360
