"""Charts: what they show, and that nothing but shapes and text comes out of them."""

import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from riskshift.report import charts
from riskshift.report.document import Figure

NAMESPACE = "{http://www.w3.org/2000/svg}"


@pytest.fixture(params=["intervals", "bars", "heatmap", "lines"])
def figure(request, document):
    return next(figure for figure in document.figures() if figure.kind == request.param)


@pytest.fixture(params=["intervals", "bars", "heatmap", "lines"])
def hostile(request, hostile_document):
    return next(figure for figure in hostile_document.figures() if figure.kind == request.param)


def parsed(figure):
    return ElementTree.fromstring(charts.svg(figure))


def texts(figure):
    return [element.text for element in parsed(figure).iter(f"{NAMESPACE}text")]


def test_the_same_figure_gives_the_same_bytes(figure):
    assert charts.svg(figure) == charts.svg(figure)
    assert charts.png(figure) == charts.png(figure)


def test_a_chart_names_itself_to_those_who_do_not_see_it(figure):
    root = parsed(figure)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == figure.alt


def test_every_chart_has_the_same_width(figure):
    assert parsed(figure).attrib["width"] == "640"


def test_every_label_and_series_is_written(figure):
    assert set(figure.order) | set(figure.series) <= set(texts(figure))


def test_hostile_names_become_text_and_nothing_else(hostile):
    drawn = charts.svg(hostile)
    for element in ElementTree.fromstring(drawn).iter():
        assert element.tag.removeprefix(NAMESPACE) in {"svg", "g", "path", "line", "rect", "text"}
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert name not in {"href", "style", "class", "id", "clip-path", "filter"}
            assert name == "aria-label" or not re.search("url|script|http", value)
    assert not re.search(r"<(script|a|image|use|foreignObject|style)\b", drawn)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e\ufffe\uffff]", drawn)
    assert charts.png(hostile).startswith(b"\x89PNG")


def test_names_alike_when_shown_or_shortened_stay_apart():
    names = ("a\u202e", "a⟨U+202E⟩", "m" * 300 + "1", "m" * 299 + "1", "m" * 300 + "2", "plain")
    rows = tuple(
        {"label": name, "series": "", "estimate": i / 10, "low": 0.0, "high": 1.0}
        for i, name in enumerate(names)
    )
    shown = texts(Figure("names", "intervals", "", "", rows, names))
    labels = [text for text in shown if text.startswith(("a⟨", "m", "plain"))]
    assert len(set(labels)) == len(labels) == len(names)
    assert max(map(len, labels)) <= 40
    assert any(text.endswith("m2") for text in labels)


def test_whatever_the_renderer_adds_is_left_out():
    drawn = (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        'width="1" onload="x()"><style>a{}</style><script>x()</script><a xlink:href="y">'
        '<text>inside</text></a><g style="color:red" class="z" fill="red"><text>kept</text></g>'
        "<foreignObject/></svg>"
    )
    assert charts._rebuilt(drawn, "told") == (
        '<svg xmlns="http://www.w3.org/2000/svg" width="1" role="img" aria-label="told">'
        '<g fill="red"><text>kept</text></g></svg>'
    )


def test_loading_the_module_loads_no_renderer():
    code = (
        "import sys, riskshift.report.charts; "
        "sys.exit(bool({'altair', 'vl_convert', 'scipy.stats'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
