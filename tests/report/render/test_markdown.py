import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from riskshift.outputs import escape
from riskshift.report.document import Document, Section, Table
from riskshift.report.render.markdown import render_markdown
from riskshift.report.render.tabular import case_table

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
NOTHING = "\N{ZERO WIDTH SPACE}"
NAMES = ("a|b", "`x`", "<b>x</b>", "$\\input{x}$", "[l](u)", "![i](u)", "two\nlines", "", "中文", "@octocat #1",
         "  indented", "x\\", "||", "**bold**", "~~s~~", "&lt;", "\x1b[31m", "\u202egnp", "😀", "n" * 300)  # fmt: skip


def paper(*blocks):
    return Document("Title", "Subtitle", ("One.",), (), (Section("Part", "part", blocks),))


def cells(source):
    """The texts of every cell, row by row."""
    rows, inside = [], False
    for token in MARKDOWN.parse(source):
        if token.type == "tr_open":
            rows.append([])
        inside = inside or token.type in ("td_open", "th_open")
        if token.type == "inline" and inside:
            text = "".join(child.content for child in token.children)
            rows[-1].append(text.replace(NOTHING, ""))
            inside = False
    return rows


def kinds(source):
    """Every kind of element that a reader of Markdown finds."""
    found = set()
    for token in MARKDOWN.parse(source):
        found |= {token.type} | {child.type for child in token.children or ()}
    return {re.sub("_(open|close)$", "", kind) for kind in found}


def test_a_table_keeps_its_rows_columns_and_names():
    table = Table("C", ("Name", "n"), tuple((name, "1,234") for name in NAMES))
    expected = [["Name", "n"], *([escape.visible(name.strip()), "1,234"] for name in NAMES)]
    assert cells(render_markdown(paper(table))) == expected


def test_text_is_set_left_and_numbers_right():
    table = Table("C", ("a", "b", "c"), (("x", "y", "1"),), text_columns=2)
    assert "| a | b | c |\n| :-- | :-- | --: |\n| x | y | 1 |" in render_markdown(paper(table))


@pytest.mark.parametrize("which", ["document", "hostile_document"])
def test_nothing_but_headings_lists_tables_and_bold_comes_out(request, which):
    page = render_markdown(request.getfixturevalue(which))
    assert kinds(page) <= {
        "heading", "inline", "text", "text_special", "paragraph", "bullet_list", "list_item",
        "blockquote", "strong", "table", "thead", "tbody", "tr", "th", "td",
    }  # fmt: skip


@pytest.mark.parametrize("which", ["document", "hostile_document"])
def test_every_block_comes_out_in_order(request, which):
    document = request.getfixturevalue(which)
    headings = re.findall(r"^#+ .*", render_markdown(document), re.MULTILINE)
    titles = [section.title for section in document.sections]
    assert headings[0] == f"# {escape.markdown(document.title)}"
    assert headings[1:] == [
        f"## {escape.markdown(title)}" for title in ("What cannot be said", *titles)
    ]


@pytest.mark.parametrize("which", ["document", "hostile_document"])
def test_it_ends_with_one_newline_and_no_line_with_a_space(request, which):
    page = render_markdown(request.getfixturevalue(which))
    assert page.endswith("\n")
    assert not page.endswith("\n\n")
    assert not re.search(r"[ \t]$", page, re.MULTILINE)


def test_cases_are_listed_without_their_texts(document):
    page = render_markdown(document)
    assert page.count("| unsolicited elaboration |") == 3
    assert "hate (Safe to Medium)" in page
    assert "text of it" not in page
    assert "prompt text" not in page


def test_cases_show_only_what_the_data_has(document):
    listed = next(s for s in document.sections if s.anchor == "cases").blocks[0]
    assert case_table(listed).columns[:3] == ("Prompt id", "Model", "Prompt")
    bare = [replace(c, prompt_id=None, model=None, relevance=None) for c in listed.cases]
    table = case_table(replace(listed, cases=tuple(bare)))
    assert table.columns == ("Prompt", "Response", "Rises in", "Origin")
    assert table.rows[0] == ("Safe", "Low", "hate (Safe to Low)", "unsolicited elaboration")


def test_a_case_with_a_missing_label_says_so(document):
    listed = next(s for s in document.sections if s.anchor == "cases").blocks[0]
    gap = replace(listed.cases[0], prompt={"hate": None, "sexual": 0})
    row = case_table(replace(listed, cases=(gap,))).rows[0]
    assert "missing" in row
    assert "hate" not in "".join(row)


def test_an_empty_document_is_two_lines():
    assert render_markdown(Document("T", "S", (), ())) == "# T\n\nS\n"


@given(st.lists(st.text(max_size=20), min_size=1, max_size=5))
def test_any_name_fills_one_cell(names):
    table = Table("C", ("Name", "n"), tuple((name, "1") for name in names))
    expected = [[escape.visible(name.strip()), "1"] for name in names]
    assert cells(render_markdown(paper(table)))[1:] == expected
