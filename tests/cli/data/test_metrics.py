"""riskshift metrics: every metric is listed, as it is computed."""

from typer.testing import CliRunner

from riskshift.analysis.metrics import CATEGORY, OVERALL
from riskshift.cli.app import app


def listed():
    return CliRunner().invoke(app, ["metrics"]).stdout


def test_every_metric_stands_there_with_its_formulas_and_direction():
    text = " ".join(listed().split())
    for metric in (*OVERALL, *CATEGORY):
        assert metric.meaning in text
        assert f"{metric.event_formula}, among {metric.given_formula}" in text or (
            metric.given_formula == "all" and f"{metric.event_formula};" in text
        )
    assert text.count("is better") == sum(m.bad is not None for m in (*OVERALL, *CATEGORY))


def test_what_a_metric_needs_beside_labels_is_named():
    about = listed().split("  on_task\n")[1].split("\n\n")[0]
    assert "more is better" in about
    assert "needs the column relevance, prompt labels" in " ".join(about.split())


def test_it_fits_eighty_columns():
    assert max(map(len, listed().splitlines())) <= 80
