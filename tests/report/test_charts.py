"""Charts: what they show, and that nothing but shapes and text comes out of them."""

import html
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from riskshift.cli.app import app
from riskshift.errors import RiskshiftWarning, UsageError
from riskshift.report import charts
from riskshift.report.document import Figure
from riskshift.report.render.html import render_html
from riskshift.report.writing import write, write_charts

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


@pytest.fixture
def undrawn(monkeypatch):
    """As where the extra 'charts' is not installed."""
    monkeypatch.setitem(sys.modules, "vl_convert", None)


def test_without_what_draws_a_page_says_its_charts_in_words(undrawn, document):
    page = render_html(document)
    figure = next(figure for figure in document.figures() if figure.kind == "intervals")
    assert "<svg" not in page
    assert html.escape(figure.alt, quote=False)[:60] in html.unescape(page).replace("&", "&amp;")
    assert "pip install &#39;riskshift[charts]&#39;" in page


def test_whoever_writes_such_a_page_is_warned_once(undrawn, corpus, tmp_path):
    with pytest.warns(RiskshiftWarning, match=r"riskshift\[charts\]") as told:
        write(corpus, tmp_path / "report.html")
    assert len(told) == 1


def test_nothing_else_needs_what_draws(undrawn, corpus, tmp_path):
    for suffix in (".md", ".tex", ".json", ".csv"):
        assert write(corpus, tmp_path / f"report{suffix}").stat().st_size > 0


def test_charts_that_are_asked_for_are_refused_before_any_work(undrawn, corpus, tmp_path):
    with pytest.raises(UsageError, match=r"pip install 'riskshift\[charts\]'"):
        write_charts(corpus, tmp_path / "charts")
    asked = ["analyze", "absent.csv", "--charts", str(tmp_path / "charts")]
    done = CliRunner().invoke(app, asked)
    assert isinstance(done.exception, UsageError)
    assert not (tmp_path / "charts").exists()
