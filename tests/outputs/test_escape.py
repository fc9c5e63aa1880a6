import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from riskshift.outputs import escape

ANY = st.text(st.characters(), max_size=40) | st.text(
    "-',`#@*_~|<>&[]()\\$%{}^=+.: \n1aé", max_size=30
)
MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
NOTHING = "\N{ZERO WIDTH SPACE}"
# What the escaped text may consist of: nothing else means anything to TeX, or only this.
LATEX = re.compile(
    r"""(?: [A-Za-z0-9 !()+,./:;=?@'~-] | \{[][*]\} | \\[&%$\#_{}] | \\/
      | \\(?:text[a-z]+|quad|ae|AE|oe|OE|ss|o|O|l|L|i|dh|DH|th|TH|S)\{\}
      | \\textsuperscript\{[ao]\} | \\[`'^"~=.urHvck]\{[A-Za-z]?\} | \{\\ttfamily\\char34\}
      | \$(?:\\[a-zA-Z]+|-|\^\{2\}|\^\{\\circ\})\$ )*""",
    re.VERBOSE,
)


def shown_in(source):
    """What a Markdown reader makes of it: the text, and the kinds of everything else."""
    kinds, text = set(), ""
    for token in MARKDOWN.parse(source):
        kinds.add(token.type)
        for child in token.children or ():
            kinds.add(child.type)
            text += child.content
    return text.replace(NOTHING, ""), kinds


class TestVisible:
    @pytest.mark.parametrize(
        "char",
        ["\x00", "\x1b", "\x9b", "\n", "\x7f", "\u200b", "\u202e", "\u2066", "\ufeff", "\ufff9",
         "\U000e0041", "\ue000", "\ud800", "\uffff", "\u2028", "\u3164", "\u034f", "\ufe00", "\u2800",
         "\U000e0100"],
    )  # fmt: skip
    def test_what_hides_or_acts_is_named(self, char):
        assert escape.visible(f"a{char}b") == f"a⟨U+{ord(char):04X}⟩b"

    @pytest.mark.parametrize("text", ["gpt-x_1", "café", "中文", "😀", "שלום", "a b", ""])
    def test_plain_names_stay(self, text):
        assert escape.visible(text) == text

    @given(ANY)
    def test_nothing_hidden_is_left(self, text):
        kinds = {unicodedata.category(char) for char in escape.visible(text)}
        assert not kinds & {"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"}

    def test_texts_keep_lines_and_coloured_pictograms(self):
        assert escape.lines("a\r\n\tb \u2764\ufe0f \x1b") == "a\n\tb \u2764\ufe0f ⟨U+001B⟩"


class TestMarkdown:
    @pytest.mark.parametrize(
        "text",
        ["7.3% (5.0% to 10.6%)", "self_harm", "r = p, r < p", "+17.6", "-0.50 to -0.08", "p >= h",
         "gpt-4.1-mini", "<0.1%", "R&D", "e.g. 3:1"],
    )  # fmt: skip
    def test_names_and_numbers_stay_readable(self, text):
        assert escape.markdown(text) == text

    @pytest.mark.parametrize(
        "text",
        ["<script>alert(1)</script>", "[a](http://x.y)", "![a](b)", "`code`", "**b** _i_ ~~s~~",
         "# head", "1. one", "2) two", "- a", "+ a", "---", "===", "> q", "a|b", "&amp; &#60;",
         "<http://x.y>", "```", "~~~", "\\", "a\\", "[x]: http://y", "* * *", "|--|", "_x_", "#"],
    )  # fmt: skip
    def test_marks_mean_themselves(self, text):
        shown, kinds = shown_in(escape.markdown(text))
        assert shown == text
        assert kinds == {"paragraph_open", "inline", "text", "paragraph_close"} | (
            kinds & {"text_special"}
        )

    @given(ANY)
    def test_any_text_reads_as_it_is_wherever_it_stands(self, text):
        safe, seen = escape.markdown(text.strip()), escape.visible(text.strip())
        for frame in ("{}", "- {}", "# {}", "> {}", "| a | b |\n| :-- | --: |\n| {} | 1 |"):
            shown, kinds = shown_in(frame.format(safe))
            table = frame.startswith("|")
            assert shown == (f"ab{seen}1" if table else seen)
            allowed = {"inline", "text", "text_special", "list_item", "bullet_list", "paragraph"}
            allowed |= {"heading", "blockquote", "table", "thead", "tbody", "tr", "th", "td"}
            assert {re.sub("_(open|close)$", "", kind) for kind in kinds} <= allowed

    @given(ANY)
    def test_nobody_is_notified(self, text):
        shown = MARKDOWN.render(escape.markdown(text))
        assert not re.search(r"@[A-Za-z0-9]", shown)
        assert not re.search(r"(?<!&)#[A-Za-z0-9]", shown)

    def test_addresses_do_not_become_links(self):
        assert escape.markdown("http://x.y www.x.y WWW.x.y a@b.c") == (
            f"http\\://x.y www\\.x.y WWW\\.x.y a\\@{NOTHING}b.c"
        )


class TestLatex:
    @given(ANY)
    def test_only_harmless_commands_come_out(self, text):
        assert LATEX.fullmatch(escape.latex(text))

    @given(st.text("-',", max_size=12))
    def test_signs_do_not_join(self, text):
        assert not re.search(r"--|''|,,", escape.latex(text))

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (r"\input{/etc/passwd}", r"\textbackslash{}input\{/etc/passwd\}"),
            ("50% $x$ #1", r"50\% \$x\$ \#1"),
            ("*[h]", "{*}{[}h{]}"),
            ("Müller, Łódź, naïve", r"M\"{u}ller, \L{}\'{o}d\'{z}, na\"{i}ve"),
            ("e\u0301", r"\'{e}"),
            ("ế 中", r"$\langle$U+1EBF$\rangle$ $\langle$U+4E2D$\rangle$"),
            ("2.4 – 4.3 ≥ −1", r"2.4 -- 4.3 $\geq$ $-$1"),
        ],
    )
    def test_names_read_as_they_are(self, text, expected):
        assert escape.latex(text) == expected

    def test_every_western_letter_is_a_letter(self):
        letters = [chr(code) for code in range(0xC0, 0x100) if chr(code).isalpha()]
        assert len(letters) == 62
        assert not [letter for letter in letters if "U+" in escape.latex(letter)]


class TestSpreadsheet:
    @pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", "\uff1d", "\u3000+"])
    def test_formulas_are_text(self, start):
        assert escape.spreadsheet(f"{start}1").startswith("'")

    @given(ANY)
    def test_no_cell_begins_a_formula(self, text):
        assert not re.match(r"\s*[=+\-@\t\r\n]", escape.spreadsheet(text))

    @pytest.mark.parametrize("text", ["gpt-x", "3.2%", "", "a=b"])
    def test_others_stay(self, text):
        assert escape.spreadsheet(text) == text


@pytest.mark.parametrize("shown", [escape.visible, escape.json_text, escape.json_ascii])
@given(text=ANY)
def test_each_sign_is_shown_as_it_is_alone(shown, text):
    assert shown(text) == "".join(map(shown, text))
