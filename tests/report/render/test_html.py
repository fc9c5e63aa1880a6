"""The page as text: its structure, its policy, and what is kept out of it."""

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from riskshift.report import drawings
from riskshift.report.document import (
    CaseList,
    Document,
    Figure,
    Grid,
    Matrix,
    Panels,
    Paragraph,
    Section,
    Table,
    Verdict,
)
from riskshift.report.render.html import LONGEST_TEXT, render_html

VOID = {"meta", "br", "img", "link", "input", "hr", "base"}


class Page(HTMLParser):
    """Every element with its attributes, the text in it, and whether all are closed in order."""

    def __init__(self, page):
        super().__init__(convert_charrefs=True)
        self.elements, self.open, self.misplaced = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), []))
        if tag not in VOID:
            self.open.append(self.elements[-1])

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag):
        if not self.open or self.open[-1][0] != tag:
            self.misplaced.append(tag)
        else:
            self.open.pop()

    def handle_data(self, data):
        for _, _, text in self.open:
            text.append(data)

    def all(self, tag, **attributes):
        return [
            (attrs, "".join(text))
            for name, attrs, text in self.elements
            if name == tag and attributes.items() <= attrs.items()
        ]


@pytest.fixture(scope="module")
def page(document):
    return Page(render_html(document))


@pytest.fixture(scope="module")
def hostile_page(hostile_document):
    return Page(render_html(hostile_document))


def blocks(document, kind):
    every = (block for section in document.sections for block in section.blocks)
    return [block for block in every if isinstance(block, kind)]


def cases_of(document):
    return blocks(document, CaseList)[0]


def with_cases(*cases, levels=("Safe", "Low", "Medium", "High")):
    section = Section("Cases", "cases", (CaseList(cases, levels),))
    return Document("Title", "Subtitle", (), (), (section,))


def test_the_page_is_the_same_each_time(document):
    assert render_html(document) == render_html(document)


def test_every_element_is_closed_in_order(page, hostile_page):
    for shown in (page, hostile_page):
        assert shown.misplaced == []
        assert shown.open == []


def test_the_encoding_and_the_policy_come_first(document):
    start = render_html(document)[:200]
    assert start.startswith('<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n')
    assert '<meta http-equiv="Content-Security-Policy"' in start


def test_the_policy_allows_this_style_and_this_script_alone(page):
    (meta, _), *others = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert not others
    (_, style), (_, script) = page.all("style") + page.all("script")

    def sha256(text):
        return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"

    assert meta["content"].split("; ") == [
        "default-src 'none'",
        f"style-src {sha256(style)}",
        f"script-src {sha256(script)}",
        "img-src 'none'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_the_page_asks_for_no_referrer_and_no_index(page):
    assert page.all("meta", name="referrer", content="no-referrer")
    assert page.all("meta", name="robots", content="noindex, nofollow")
    assert page.all("meta", name="viewport")


def test_nothing_is_fetched_and_nothing_is_styled_or_scripted_in_place(page, hostile_page):
    for shown in (page, hostile_page):
        for tag, attributes, _ in shown.elements:
            assert tag not in {"link", "img", "iframe", "object", "embed", "base", "form"}
            assert not attributes.keys() & {"src", "srcset", "style", "action", "background"}
            assert not any(name.startswith("on") for name in attributes)
            assert attributes.get("href", "#").startswith("#")
        (_, style), (_, script) = shown.all("style") + shown.all("script")
        assert not re.search(r"url\(|@import|expression", style)
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval", script)
        assert "fetch" not in script


def test_hostile_names_add_no_element(hostile_page, hostile_document):
    assert len(hostile_page.all("script")) == len(hostile_page.all("style")) == 1
    assert len(hostile_page.all("svg")) == len(blocks(hostile_document, Figure))
    assert {tag for tag, _, _ in hostile_page.elements} <= {
        *("html", "head", "meta", "title", "style", "script", "body", "header", "nav", "main"),
        *("section", "div", "h1", "h2", "h3", "p", "ul", "ol", "li", "a", "dl", "dt", "dd"),
        *("code", "pre", "table", "caption", "thead", "tbody", "tr", "th", "td", "b", "span"),
        *("bdi", "button", "figure", "figcaption", "details", "summary"),
        *("svg", "g", "path", "rect", "line", "text"),
    }


def test_template_syntax_in_names_is_text(hostile_page):
    (_, text), *_ = hostile_page.all("body")
    assert "{{ 7*7 }} {% for x in y %}" in text
    assert "49" not in "".join(text for _, text in hostile_page.all("caption"))


def test_hidden_characters_show_and_the_page_can_be_encoded(hostile_document):
    page = render_html(hostile_document)
    assert "⟨U+202E⟩" in page
    assert "⟨U+D800⟩" in page
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e]", page)
    assert page.encode("utf-8")


def test_sections_are_linked_by_ids_of_their_own(hostile_page):
    ids = [attributes["id"] for _, attributes, _ in hostile_page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", one) for one in ids)
    links = [attributes["href"][1:] for attributes, _ in hostile_page.all("a")]
    assert links == [
        attributes["id"] for attributes, _ in hostile_page.all("section") if attributes.get("id")
    ]


def test_an_anchor_without_plain_characters_still_leads_somewhere():
    empty = Document("T", "S", (), (), (Section("A", "模型", ()), Section("B", "組", ())))
    page = Page(render_html(empty))
    assert [attributes["href"] for attributes, _ in page.all("a")] == ["#section", "#section-2"]


def test_findings_and_their_limits_stand_in_boxes_of_their_own(page, document):
    (_, short), *_ = page.all("section", **{"class": "short"})
    (_, limits), *_ = page.all("section", **{"class": "caveats"})
    assert "In short" in short
    assert all(sentence in short for sentence in document.summary)
    assert "What cannot be said" in limits
    assert all(caveat in limits for caveat in document.caveats)


def test_a_document_without_findings_has_no_empty_boxes():
    page = Page(render_html(Document("Title", "Subtitle", (), ())))
    assert page.all("section") == []
    assert page.all("nav") == []


def test_tables_have_captions_and_scopes_and_flush_numbers(page):
    assert len(page.all("caption")) == len(page.all("table")) == 3
    assert {attributes["scope"] for attributes, _ in page.all("th")} == {"row", "col", "colgroup"}
    assert ("Events") in [text for _, text in page.all("th", scope="col", **{"class": "number"})]
    assert "1,234" in [text for _, text in page.all("td", **{"class": "number"})]
    assert "Footnote gpt-x" in [text for _, text in page.all("p", **{"class": "footnote"})]


def test_a_matrix_shows_counts_and_shares_of_the_row_in_shades(page):
    cells = {
        text: attributes["class"]
        for attributes, text in page.all("td")
        if attributes.get("class", "").startswith("heat-")
    }
    assert cells["364 91.9%"] == "heat-9 same"
    assert cells["9 2.3%"] == "heat-1 up"
    assert cells["0 0%"] == "heat-0 up"
    assert cells["206 76.0%"] == "heat-7 down"


def test_an_empty_row_has_no_shares():
    matrix = Matrix("Empty", ("Safe", "Harmful"), ((0, 0), (1, 3)))
    page = Page(render_html(Document("T", "S", (), (), (Section("A", "a", (matrix,)),))))
    found = [text for _, text in page.all("td") if "–" in text]
    assert found == ["0 –", "0 –"]


def test_shades_on_the_page_are_those_of_the_charts():
    style = (
        files("riskshift.report.render").joinpath("page", "report.css").read_text(encoding="utf-8")
    )
    assert tuple(re.findall(r"\.heat-\d \{ background: (#\w+)", style)) == drawings.HEAT


def test_charts_stand_in_figures_with_captions(page, document):
    figures = blocks(document, Figure)
    assert [text for _, text in page.all("figcaption")] == [figure.title for figure in figures]
    assert [attributes["aria-label"] for attributes, _ in page.all("svg", role="img")] == [
        figure.alt for figure in figures
    ]


def test_terms_are_a_list_of_definitions_with_formulas(page):
    assert len(page.all("dt")) == len(page.all("dd")) == 6
    assert "r > p | gpt-x" in [text for _, text in page.all("code")]


def test_a_case_says_who_from_where_to_where_and_why(document):
    (case,) = cases_of(document).cases[2:3]
    missing = replace(
        case, response={**case.response, "other": None}, prompt={**case.prompt, "other": 1}
    )
    page = Page(render_html(with_cases(missing)))
    ((_, summary),) = page.all("summary")
    assert " ".join(summary.split()) == (
        "1 p2 model-0 hate Safe → Medium other Low → no label unsolicited elaboration; relevance 3 on-task"
    )
    # A category safe on both sides says nothing, and an unknown response is in no cell.
    assert "sexual" not in summary
    assert page.all("details")[0][0]["data-cell"] == ""


def test_cases_open_one_at_a_time_and_start_closed(page):
    cases = page.all("details")
    assert len(cases) == 5
    assert all(attributes["name"] == "case" and "open" not in attributes for attributes, _ in cases)
    assert "may be disturbing" in "".join(text for _, text in page.all("p"))


def test_a_long_text_is_cut_and_says_so(document):
    case = replace(
        cases_of(document).cases[0], prompt_text="p" * (LONGEST_TEXT + 1), response_text="r" * 9_999
    )
    page = Page(render_html(with_cases(case)))
    prompt, response = (text for _, text in page.all("pre"))
    assert prompt == "\n" + "p" * LONGEST_TEXT
    assert response == "\n" + "r" * LONGEST_TEXT
    notes = [text for _, text in page.all("p", **{"class": "footnote"})]
    assert notes == ["1 more character is not shown.", "5,999 more characters are not shown."]


def test_line_breaks_and_leading_space_of_a_text_stay(document):
    case = replace(
        cases_of(document).cases[0], prompt_text="\n  first\r\n\tsecond", response_text=None
    )
    page = Page(render_html(with_cases(case)))
    ((attributes, text),) = page.all("pre")
    # A browser drops the one line break that follows the tag.
    assert text == "\n\n  first\n\tsecond"
    assert attributes == {"dir": "auto"}
    assert "The data has no text for it." in "".join(text for _, text in page.all("p"))


def test_without_text_not_a_byte_of_it_is_in_the_page(document, hostile_document):
    for shown in (document, hostile_document):
        page = render_html(shown, text=False)
        assert "prompt text" not in page
        assert "response text" not in page
        assert "<pre" not in page
        assert "<details" not in page
        assert "made without the prompts and responses" in page
        assert page.count('class="case row"') == len(cases_of(shown).cases)


def test_without_text_in_the_data_there_is_nothing_to_open(document):
    cases = [
        replace(case, prompt_text=None, response_text=None) for case in cases_of(document).cases
    ]
    page = render_html(with_cases(*cases))
    assert "<details" not in page
    assert "disturbing" not in page
    assert "made without" not in page
    assert page.count('class="case row"') == 5


def test_only_counts_with_cases_can_be_chosen(document):
    first, second = (
        [
            attributes.get("data-cell")
            for attributes, _ in found.all("td")
            if "data-cell" in attributes
        ]
        for found in (Page(render_html(document)), Page(render_html(with_cases())))
    )
    assert first == ["0-1", "0-2", "1-2", "2-3"]
    assert second == []
    assert "underlined count" not in render_html(with_cases())


def test_boxes_that_scroll_can_be_reached_and_named(page, document):
    boxes = page.all("div", **{"class": "wide"})
    assert len(boxes) == len(page.all("table")) + len(page.all("svg"))
    assert {(box["tabindex"], box["role"]) for box, _ in boxes} == {("0", "group")}
    named = {block.caption for block in blocks(document, Table)}
    named |= {block.caption for block in blocks(document, Matrix)}
    named |= {block.title for block in blocks(document, Figure)}
    assert {box["aria-label"] for box, _ in boxes} == named


def test_a_line_may_break_between_an_estimate_and_its_interval_only():
    table = Table(
        "Rates", ("Metric", "Rate"), (("a (b)", "3.2% (2.4% to 4.3%) *"), ("c", "1 (x (y))"))
    )
    page = Page(render_html(Document("T", "S", (), (), (Section("A", "a", (table,)),))))
    ((_, text),) = page.all("td", **{"class": "number spread"})
    assert text == "3.2% (2.4% to 4.3%) *"
    assert [text for _, text in page.all("span")] == ["3.2%", "(2.4% to 4.3%) *"]


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    """The ratio of WCAG 2.2, section 1.4.3: text needs 4.5."""
    bright, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def palettes():
    style = files("riskshift.report.render").joinpath("page", "report.css").read_text("utf-8")
    found = [
        dict(re.findall(r"--(\w[\w-]*): (#\w+);", part)) for part in style.split(":root {")[1:]
    ]
    for palette in found:
        for name, value in palette.items():
            palette[name] = value if len(value) == 7 else "#" + "".join(2 * c for c in value[1:])
    return found


@pytest.mark.parametrize("palette", palettes(), ids=["light", "dark"])
def test_letters_stand_out_from_what_they_stand_on(palette):
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    grounds = ("paper", "tint", "chip", "code", "warn-tint", "good", "bad", "mixed", "even")
    for ground in grounds:
        assert contrast(palette["ink"], palette[ground]) >= 7, ground
    for ground in ("paper", "tint", "code"):
        assert contrast(palette["muted"], palette[ground]) >= 4.5, ground
        assert contrast(palette["accent"], palette[ground]) >= 4.5, ground


def test_what_stands_below_a_row_is_shown_with_its_formula():
    table = Table("Rates", ("Rate", "Estimate"), (("a", "1%"),), told=(("in <words>", "r > p"),))
    page = Page(render_html(Document("T", "S", (), (), (Section("A", "a", (table,)),))))
    assert page.all("small") == [({"title": "r > p"}, "in <words>")]


def test_a_folded_section_has_its_heading_where_it_is_opened():
    folded = Section("More", "more", (Paragraph("Detail."),), folded=True)
    page = Page(render_html(Document("T", "S", (), (), (folded,))))
    ((attributes, text),) = page.all("details")
    assert (attributes, text.split()) == ({"class": "fold"}, ["More", "Detail."])
    assert [text for _, text in page.all("summary")] == ["More"]


def test_verdicts_stand_in_a_grid_as_words_beside_their_colours():
    cell = Verdict("worse", "bad", ("harm <worse>", "help better"))
    grid = Grid("Verdicts", "Model", ("old", "new"), (("third", (cell, None)),))
    page = Page(render_html(Document("T", "S", (), (), (Section("A", "a", (grid,)),))))
    assert page.all("td") == [({"class": "tone-bad"}, "worse harm <worse> help better"), ({}, "")]


def test_hostile_names_are_text_in_grids_panels_and_folded_sections(hostile_names):
    a, b, *_ = hostile_names
    dots = {"label": a, "series": "", "estimate": 0.1, "low": 0.0, "high": 0.2, "few": 0}
    panel = Figure("x", "intervals", a, b, (dots,), (a,), narrow=True, note=a)
    blocks = (
        Grid(
            a, b, hostile_names, tuple((name, (Verdict(a, "bad", (b,)),)) for name in hostile_names)
        ),
        Panels(a, (panel,)),
        Table(a, (a,), ((b,),), told=((a, b),)),
    )
    page = render_html(Document(a, b, (), (), (Section(a, b, blocks, folded=True),)))
    found = Page(page)
    assert found.misplaced == []
    assert len(found.all("script")) == 1
    assert "alert(1)</script>" not in page.replace("&lt;/script&gt;", "")
    assert not [name for _, attrs, _ in found.elements for name in attrs if name.startswith("on")]
