import io
import re
import unicodedata
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from riskshift.outputs import escape
from riskshift.report.document import Bullets, Document, Matrix, Paragraph, Section, Table
from riskshift.report.render.terminal import render_terminal

NAMES = ("[red]x[/red]", "[/]", "[link=http://x]y[/link]", ":smile:", "\\[b]", "{x}", "%s", "中文模型",
         "😀" * 30, "e\u0301" * 50, "two\nlines", "\x1b]8;;http://x\x07y", "\u202egnp", "", "w" * 300)  # fmt: skip
RATES = Table(
    "Rates",
    ("Rate", "Formula of the rate", "Events", "Of", "Estimate", "95% interval"),
    (
        ("escalation", "response above prompt | all", "40", "1,250", "3.2%", "2.4% to 4.3%"),
        ("harmful_prompt_compliance", "harmful | harmful", "109", "854", "12.8%", "10.7% to 15.2%"),
    ),
    text_columns=2,
    notes=("A note on rates.",),
    essential=(0, 2, 3, 4, 5),
)


def printed(document, width=80, **options):
    file = io.StringIO()
    render_terminal(document, Console(file=file, width=width, **options))
    return file.getvalue()


def paper(*blocks, summary=("One.",), caveats=("Two.",)):
    return Document("Title", "Subtitle", summary, caveats, (Section("Part", "p", blocks, True),))


def brief(document):
    return replace(document, sections=tuple(replace(s, brief=True) for s in document.sections))


def squashed(text):
    return re.sub(r"\s", "", text)


@pytest.mark.parametrize("width", [12, 40, 60, 80, 120])
@pytest.mark.parametrize("which", ["document", "hostile_document"])
def test_no_line_is_wider_than_the_console_or_a_hundred(request, which, width):
    lines = printed(brief(request.getfixturevalue(which)), width).splitlines()
    assert max(map(cell_len, lines)) <= min(width, 100)


@pytest.mark.parametrize("which", ["document", "hostile_document"])
def test_without_a_terminal_nothing_acts(request, which):
    shown = printed(brief(request.getfixturevalue(which)), force_terminal=False)
    assert {unicodedata.category(char) for char in set(shown) - {"\n"}}.isdisjoint(
        {"Cc", "Cf", "Cn", "Co", "Cs"}
    )


def test_in_a_terminal_only_styles_act(hostile_document):
    shown = printed(brief(hostile_document), force_terminal=True, color_system="truecolor")
    assert "\x1b[1m" in shown
    assert "\x1b" not in re.sub(r"\x1b\[[\d;]*m", "", shown)


@pytest.mark.parametrize("width", [30, 80, 120])
def test_names_stand_as_they_are(width):
    shown = squashed(printed(paper(Bullets(NAMES[:8]), Bullets(NAMES[8:]), summary=NAMES), width))
    for name in NAMES:
        assert shown.count(squashed(escape.visible(name))) >= 2


@pytest.mark.parametrize("width", [20, 80, 120])
def test_names_in_tables_lose_nothing(width):
    table = Table("C", ("Name", "n"), tuple((name, "1") for name in NAMES))
    shown = squashed(printed(paper(table), width)).replace("1", "").replace("n:", "")
    for name in NAMES[:-1]:
        assert squashed(escape.visible(name)).replace("1", "") in shown


def test_a_text_for_a_name_is_cut_in_tables_and_says_so():
    table = Table("C", ("Name", "n"), (("w" * 5000, "1"),))
    shown = printed(paper(table))
    assert "w…" in shown
    assert shown.count("w") < 150


def test_it_starts_with_the_summary_and_ends_with_what_cannot_be_said():
    shown = printed(paper(RATES, summary=("First.", "Second."), caveats=("Last.",)))
    assert shown.startswith("Title\nSubtitle\n\n• First.")
    places = [shown.index(part) for part in ("Second.", "Rates", "What cannot be said", "Last.")]
    assert places == sorted(places)


def test_only_brief_sections_are_shown_and_the_others_named():
    document = Document(
        "T",
        "S",
        (),
        (),
        (Section("Shown", "a", (Paragraph("Seen."),), True), Section("Rest", "b", (RATES,))),
    )
    shown = printed(document)
    assert "Seen." in shown
    assert "Rates" not in shown
    assert "In the report (-o report.html): charts and further tables; Rest." in shown


def test_a_section_shows_its_first_table_and_paragraph_and_every_note():
    shown = printed(
        paper(
            Paragraph("Plain one."),
            Paragraph("Noted one.", "note"),
            RATES,
            Paragraph("Plain two."),
            Paragraph("Noted two.", "note"),
            replace(RATES, caption="Detail"),
        )
    )
    assert [word in shown for word in ("Plain one", "Noted one", "Noted two", "Rates")] == [
        True
    ] * 4
    assert "Plain two" not in shown
    assert "Detail" not in shown


def test_the_same_footnote_is_shown_once():
    parts = tuple(Section(name, name, (RATES,), True) for name in ("One", "Two"))
    assert printed(Document("T", "S", (), (), parts)).count("A note on rates.") == 1


def test_a_wide_place_shows_all_columns_and_a_narrow_one_the_essential():
    wide, narrow = printed(paper(RATES), 100), printed(paper(RATES), 72)
    assert "Formula of the rate" in wide
    assert "Not shown here: Formula of the rate." not in wide
    assert "response above" not in narrow
    assert "Not shown here: Formula of the rate." in narrow
    assert re.search(r"escalation +40 +1,250 +3\.2% +2\.4% to 4\.3%", narrow)


@pytest.mark.parametrize("width", range(30, 121, 10))
def test_numbers_never_break(width):
    shown = printed(paper(RATES), width)
    for row in RATES.rows:
        for cell in row[2:]:
            assert cell in shown


def test_long_names_break_at_their_joints():
    shown = printed(paper(replace(RATES, essential=(0, 3, 5))), 43)
    assert re.search(r"^harmful_prompt_ ", shown, re.MULTILINE)
    assert re.search(r"^compliance ", shown, re.MULTILINE)


def test_a_matrix_is_a_small_table():
    matrix = Matrix("Pairs", ("Safe", "High"), ((364, 23), (1206, 5)))
    shown = printed(paper(matrix))
    assert re.search(r"^Prompt / response +Safe +High$", shown, re.MULTILINE)
    assert re.search(r"^High +1,206 +5$", shown, re.MULTILINE)


def test_cases_are_counted_but_not_shown(document):
    shown = printed(brief(document))
    assert "5 pairs to read in the report: -o report.html" in shown
    assert "text of it" not in shown
    assert "p0" not in shown


def test_charts_and_definitions_are_left_to_the_report(document):
    shown = printed(brief(document))
    assert "Alt gpt-x" not in shown
    assert "Means gpt-x" not in shown


def test_long_tables_and_lists_are_cut_short_and_say_so():
    table = Table("C", ("Name", "n"), tuple((f"name{i}", "1") for i in range(1000)))
    shown = printed(paper(table, Bullets(tuple(f"item{i}." for i in range(20)))))
    assert "name49 " in shown
    assert "name50 " not in shown
    assert "and 950 more rows in the report" in shown
    assert "item7." in shown
    assert "and 12 more in the report" in shown


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1"])
def test_an_old_encoding_gets_what_it_can_carry(encoding):
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    render_terminal(paper(RATES, summary=("中 – ⟨x⟩",)), Console(file=file, width=80))
    file.flush()
    assert "* \\u4e2d" in raw.getvalue().decode(encoding)


@settings(max_examples=60)
@given(
    st.lists(st.text(max_size=30), min_size=1, max_size=4),
    st.integers(min_value=8, max_value=130),
    st.integers(min_value=0, max_value=3),
)
def test_any_name_fits_any_width(names, width, texts):
    table = Table(names[0], (*names[:2], "n", "m"), (), text_columns=texts)
    row = (names[-1],) * len(table.columns)
    document = paper(replace(table, rows=(row, row)), Paragraph(names[0]), summary=tuple(names))
    assert max(map(cell_len, printed(document, width).splitlines())) <= min(width, 100)
