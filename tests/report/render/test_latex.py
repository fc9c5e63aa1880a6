import os
import re
import shutil
import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from riskshift.outputs import escape
from riskshift.report.document import (
    Bullets,
    Document,
    Matrix,
    Paragraph,
    Section,
    Table,
    Terms,
)
from riskshift.report.render.latex import render_latex

NAMES = ("\\input{/etc/passwd}", "%comment", "$math$", "a & b \\\\ c", "\\end{document}", "^^5cend", "{", "}",
         "*star", "[x]", "two\nlines", "", "  indented", "--''``,,", "中文", "😀", "שלום", "Þórður", "«q» \"q\"",
         "\x1b[31m", "\u202egnp", "#1 ~ ^ _ |<>", "-1.5", "@{}", "&", "\\", "~", "ß", "e\u0301")  # fmt: skip
TWO_COLUMNS = r"\documentclass[twocolumn]{article}\usepackage{array,booktabs}\begin{document}"


@pytest.fixture(scope="session")
def compiled(tmp_path_factory):
    """Compile a source without a shell; returns what TeX said."""
    engines = [name for name in ("pdflatex", "lualatex", "xelatex") if shutil.which(name)]
    if "pdflatex" not in engines:
        if os.environ.get("RISKSHIFT_NO_SKIPS") == "1":
            pytest.fail("pdflatex is absent, and RISKSHIFT_NO_SKIPS=1")
        pytest.skip("pdflatex is absent")

    def run(source, engine="pdflatex"):
        if engine not in engines:
            return ""
        folder = tmp_path_factory.mktemp("latex")
        (folder / "page.tex").write_text(source, encoding="ascii")
        command = [engine, "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error"]
        done = subprocess.run(
            [*command, "page.tex"], cwd=folder, capture_output=True, timeout=300, check=False
        )
        said = done.stdout.decode("utf-8", "replace")
        assert done.returncode == 0, said[-3000:]
        assert "Output written on page.pdf" in said
        return (folder / "page.log").read_text(encoding="utf-8", errors="replace")

    return run


def paper(*blocks):
    return Document("Title", "Subtitle", ("One.",), ("Two.",), (Section("Part", "part", blocks),))


def overfull(log):
    """How many points lines stick out of their boxes."""
    return [float(found) for found in re.findall(r"Overfull \\hbox \(([\d.]+)pt", log)]


def tables(source):
    """What stands between the comment lines."""
    return re.findall(r"^% --- table: .*\n((?:.*\n)*?)% --- end of table$", source, re.MULTILINE)


def test_a_report_compiles_and_nothing_sticks_out(compiled, document):
    assert max(overfull(compiled(render_latex(document))), default=0) <= 20


@pytest.mark.parametrize("engine", ["pdflatex", "lualatex", "xelatex"])
def test_hostile_names_compile(compiled, hostile_document, engine):
    log = compiled(render_latex(hostile_document), engine)
    assert max(overfull(log), default=0) <= 20


@pytest.mark.parametrize("engine", ["pdflatex", "lualatex", "xelatex"])
def test_names_that_are_commands_compile_wherever_they_stand(compiled, engine):
    table = Table(
        "C " + NAMES[0], ("Name", "Other", "n"), tuple((n, n, n) for n in NAMES), 2, NAMES
    )
    blocks = [table, Bullets(NAMES), Terms(tuple((n, n, n) for n in NAMES))]
    blocks += [Paragraph(name) for name in NAMES]
    blocks += [Matrix(name, (name, "x"), ((1, 2), (3, 4))) for name in NAMES[:6]]
    log = compiled(render_latex(paper(*blocks)), engine)
    assert "etc/passwd" not in "".join(re.findall(r"\([^()\s]+", log))


def test_every_letter_sign_and_pair_of_signs_compiles(compiled):
    letters = [chr(code) for code in range(0x20, 0x250)]
    signs = [chr(code) for code in range(0x2010, 0x2300)]
    ascii_signs = [chr(code) for code in range(0x21, 0x7F) if not chr(code).isalnum()]
    pairs = [one + other for one in ascii_signs for other in ascii_signs]
    texts = (" ".join(part) for part in (letters, signs, pairs))
    compiled(render_latex(paper(*map(Paragraph, texts))))


@settings(
    max_examples=2,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(st.text(max_size=60), min_size=60, max_size=120, unique=True))
def test_any_text_compiles(compiled, texts):
    rows = tuple((text, text, "1") for text in texts)
    compiled(render_latex(paper(Table("C", ("a", "b", "n"), rows, 2), Bullets(tuple(texts)))))


def test_tables_can_be_cut_out(compiled, document):
    pieces = tables(render_latex(document))
    short = [piece for piece in pieces if "longtable" not in piece]
    assert len(short) >= 3
    compiled("\n\n".join([TWO_COLUMNS, *short, r"\end{document}", ""]))


def test_names_in_tables_that_are_cut_out_need_no_encoding(compiled):
    names = tuple(name for name in NAMES if name not in ("Þórður", '«q» "q"'))
    (piece,) = tables(
        render_latex(paper(Table("C", ("Name", "n"), tuple((n, "1") for n in names))))
    )
    compiled("\n\n".join([TWO_COLUMNS, piece, r"\end{document}", ""]))


def test_a_table_too_wide_for_a_page_comes_in_parts_that_fit(compiled):
    columns = ("Model", *(f"model-{i}" for i in range(30)))
    row = ("a-name", *(f"{i}.5% (1.0% to 9.9%)" for i in range(30)))
    source = render_latex(paper(Table("Rates", columns, (row,) * 3)))
    pieces = tables(source)
    assert len(pieces) > 2
    assert "% --- table: Rates (part 2 of " in source
    assert all(piece.count("a-name") == 3 for piece in pieces)
    assert [piece.count(f"{i}.5\\% (") for i, piece in ((0, pieces[0]), (29, pieces[-1]))] == [3, 3]
    assert not overfull(compiled(source))


def test_a_long_table_runs_over_pages_with_its_heading(compiled):
    rows = tuple((f"name {i}", f"{i:,}") for i in range(500))
    source = render_latex(paper(Table("Groups", ("Name", "n"), rows)))
    assert r"\begin{longtable}" in source
    log = compiled(source)
    assert not overfull(log)
    assert "Rerun" not in log


def test_numbers_are_right_and_have_a_minus_and_names_keep_their_hyphen():
    table = Table("C", ("Name", "Difference"), (("-x -1", "-0.30 (-0.50 to -0.08)"),))
    assert r"-x -1 & $-$0.30 ($-$0.50 to $-$0.08) \\" in render_latex(paper(table))
    assert r"\begin{tabular}{@{}lr@{}}" in render_latex(paper(table))


@pytest.mark.parametrize("which", ["document", "hostile_document"])
def test_texts_of_cases_never_come_out_and_charts_are_named(request, which):
    source = render_latex(request.getfixturevalue(which))
    assert "prompt text" not in source
    assert "response text" not in source
    assert "% --- chart: " in source
    assert "--charts writes it as dots.png" in source


def test_a_name_cannot_leave_its_comment():
    source = render_latex(paper(Table("a\n\\input{x}", ("n",), (("1",),), text_columns=0)))
    assert "% --- table: a\\u27e8U+000A\\u27e9\\input{x}\n" in source
    assert not re.search(r"^\\input", source, re.MULTILINE)


def test_names_are_escaped_everywhere(hostile_document, hostile_names):
    source = render_latex(hostile_document)
    plain = source.replace(r"\allowbreak{}", "").replace("\n", " ")
    for name in hostile_names[:3]:
        assert escape.latex(name).split(" ")[0] in plain
    code = "\n".join(line for line in source.splitlines() if not line.startswith("%"))
    assert "<script>" not in code
