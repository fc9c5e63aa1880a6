"""A document with every kind of block, plain or with each name and text hostile."""

import pytest

from riskshift.counts.case import Case
from riskshift.report.document import (
    Bullets,
    CaseList,
    Document,
    Figure,
    Matrix,
    Paragraph,
    Section,
    Table,
    Terms,
)

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>alert(2)</script>",
    "</style><img src=x onerror=alert(3)>",
    "</pre></details></main><img src=x onerror=alert(4)>",
    "<svg onload=alert(5)><foreignObject><a href=javascript:alert(6)>x</a></foreignObject></svg>",
    '" onmouseover="alert(7)" autofocus onfocus="alert(8)" x="',
    "' onclick='alert(9)' style='background:url(http://127.0.0.1:9/x)",
    "<a href='javascript:alert(10)'>link</a>",
    "<iframe src='data:text/html,<script>alert(11)</script>'></iframe>",
    "<link rel=stylesheet href=http://127.0.0.1:9/a.css><meta http-equiv=refresh content=0>",
    "\x1b[31mred\x1b]8;;http://127.0.0.1:9/\x07link\x1b]8;;\x07",
    "right \u202eto left\u202c and \u2066isolated\u2069 and \u200bhidden",
    "null \x00 byte and \ufffe \uffff \ud800 none of them a character",
    '=HYPERLINK("http://127.0.0.1:9/","x")',
    "{{ 7*7 }} {% for x in y %} {# z #} ${7*7} #{7*7} <%= 7*7 %>",
    "<!-- <title> <plaintext> <textarea> ]]> &lt;b&gt; &#60;i&#62;",
    "datum.x || alert(12); constructor __proto__",
    "x" * 5_000,
)
LEVELS = ("Safe", "Low", "Medium", "High")


def case(number, name, *, before, after, text):
    """One escalation in the first of two categories."""
    return Case(
        prompt_id=f"p{number} {name}".strip(),
        model=f"model-{number % 2} {name}".strip(),
        sample=None,
        prompt={f"hate{name}": before, "sexual": 0},
        response={f"hate{name}": after, "sexual": 0},
        relevance=number % 3 + 1,
        origin="compliance_escalation" if before else "unsolicited_elaboration",
        prompt_text=f"prompt text {number} {text}",
        response_text=f"response text {number} {text}",
    )


def intervals(labels, series):
    """A chart of dots with intervals."""
    rows = tuple(
        {
            "label": label,
            "series": one,
            "estimate": (i + 1) * (j + 1) / 40,
            "low": (i + 1) * (j + 1) / 60,
            "high": (i + 1) * (j + 1) / 30,
        }
        for i, label in enumerate(labels)
        for j, one in enumerate(series)
    )
    return Figure(
        "dots", "intervals", f"Dots {labels[0]}", f"Alt {labels[0]}", rows, labels, series
    )


def bars(labels, parts):
    """A chart of stacked bars."""
    counts = [[(3 * i + 5 * j) % 7 + 1 for j in range(len(parts))] for i in range(len(labels))]
    rows = tuple(
        {"label": label, "part": part, "share": count / sum(line), "count": count}
        for label, line in zip(labels, counts, strict=True)
        for part, count in zip(parts, line, strict=True)
    )
    return Figure("bars", "bars", f"Bars {labels[0]}", f"Alt {labels[0]}", rows, labels, parts)


def heatmap(levels, counts):
    """A transition matrix as a chart."""
    rows = tuple(
        {"prompt": prompt, "response": response, "count": count}
        for prompt, line in zip(levels, counts, strict=True)
        for response, count in zip(levels, line, strict=True)
    )
    return Figure("heat", "heatmap", f"Heat {levels[0]}", f"Alt {levels[0]}", rows, levels)


def lines(series):
    """A chart of shares along numbers."""
    rows = tuple(
        {"x": x, "y": 1 / (i + 2) / x**0.5, "series": one}
        for i, one in enumerate(series)
        for x in (10, 100, 1000)
    )
    titles = (f"Prompts {series[0]}", "Width")
    return Figure("lines", "lines", f"Lines {series[0]}", f"Alt {series[0]}", rows, titles, series)


def build(names, levels, cases):
    """Every kind of block, with `names` wherever a name from the data can stand."""
    a, b, c = names[:3]
    counts = ((364, 23, 9, 0), (206, 58, 6, 1), (214, 4, 20, 1), (325, 10, 4, 5))
    table = Table(
        f"Caption {a}",
        ("Model", f"Note {b}", "Events", "Estimate", f"{c} interval"),
        tuple((name, f"is {name}", "1,234", "3.2%", "2.4% to 4.3%") for name in names),
        text_columns=2,
        notes=(f"Footnote {a}",),
    )
    sections = (
        Section(f"How risk moves {a}", f"movement {a}", (
            Paragraph(f"Plain {b}"), Paragraph(f"A note {c}", "note"),
            Matrix(f"All pairs {a}", levels, counts),
        )),
        Section(f"Charts {b}", f"charts {b}", (
            intervals(names[:4], names[-3:]), bars(names[:3], names[-3:]), heatmap(levels, counts),
            lines(names[-3:]),
        )),
        Section(f"By model {c}", f"movement {a}", (
            table, Bullets(names), Matrix(f"One category {a}", levels, counts),
        )),
        Section("Cases to read", "cases", (CaseList(cases, levels),)),
        Section("Methods", "methods", (Terms(tuple((name, f"r > p | {name}", f"Means {name}") for name in names)),)),
    )  # fmt: skip
    return Document(f"Title {a}", f"Subtitle {b}", names[:4], names[-4:], sections)


@pytest.fixture(scope="session")
def document():
    """What a report holds on a good day."""
    moves = [(0, 1), (0, 1), (0, 2), (1, 2), (2, 3)]
    cases = tuple(
        case(i, "", before=before, after=after, text="of it")
        for i, (before, after) in enumerate(moves)
    )
    names = (
        "gpt-x",
        "phi",
        "a-model-with-a-rather-long-name",
        "persistence",
        "drift rate",
        "third",
    )
    return build(names, LEVELS, cases)


@pytest.fixture(scope="session")
def hostile_document():
    """The same with every name and text written by someone who means harm."""
    cases = tuple(
        case(i, name, before=i % 3, after=i % 3 + 1, text=f"{name}\n{name}")
        for i, name in enumerate(HOSTILE)
    )
    levels = ("Safe", HOSTILE[0], HOSTILE[4], HOSTILE[5])
    return build(HOSTILE, levels, cases)


@pytest.fixture(scope="session")
def hostile_names():
    """The hostile strings themselves."""
    return HOSTILE
