"""Hostile text made inert: what may act on a page, a terminal, a typesetter or a spreadsheet.

Names of models, groups and ids come from the data too, so everything is escaped alike.
"""

import re
import unicodedata
from itertools import chain
from typing import Final

# Line breaks and tabs, and the mark that asks for the coloured form of a pictogram.
_IN_TEXTS: Final = "\n\t\ufe0f"
# Characters that take part in nothing but tricks: controls, bidirectional overrides, invisible
# operators, private use, unpaired surrogates, code points that are no characters.
_HIDDEN: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
# Letters and marks that Unicode lets a page leave out: fillers, joiners, variation selectors.
_INVISIBLE: Final = frozenset(
    chain(
        (0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0),
        range(0x180B, 0x1810),
        range(0xFE00, 0xFE10),
        range(0xE0100, 0xE01F0),
    )
)
# What opens code, emphasis, links, HTML, entities, cells, strikes, mathematics, mentions; some of
# it only where it acts, so that names and numbers stay readable in the source.
_MARKDOWN: Final = re.compile(
    r"[\\`*\[\]|~$#@]|<(?=[^\s\d])|&(?=#|\w+;)|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])"
    r"|(?<=www)\.|:(?=//)",
    flags=re.IGNORECASE,
)
# What opens a quotation, a list, a ruler or a heading's underline, where a line begins.
_MARKDOWN_START: Final = re.compile(
    r"^(\s*)(>|[-+](?=\s|$)|-(?=-)|=(?==*\s*$))|^(\s*\d+)([.)])(?=\s|$)"
)
# GitHub finds mentions and references after it has read the backslash.
_MENTION: Final = re.compile(r"([@#])(?=\w)")
_NOTHING: Final = "\N{ZERO WIDTH SPACE}"

_LATEX: Final = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "`": r"\`{}",
    # \textquotedbl would need the T1 encoding; this slot holds it in every encoding.
    '"': r"{\ttfamily\char34}",
    # After \\ a bracket or a star would be an argument.
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "\N{NO-BREAK SPACE}": "~",
    "–": "--",
    "—": "---",
    "‘": r"\textquoteleft{}",
    "’": r"\textquoteright{}",
    "“": r"\textquotedblleft{}",
    "”": r"\textquotedblright{}",
    "…": r"\textellipsis{}",
    "§": r"\S{}",
    "¿": r"\textquestiondown{}",
    "¡": r"\textexclamdown{}",
    "ß": r"\ss{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "œ": r"\oe{}",
    "Œ": r"\OE{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "ı": r"\i{}",
    "ð": r"\dh{}",
    "Ð": r"\DH{}",
    "þ": r"\th{}",
    "Þ": r"\TH{}",
    "ª": r"\textsuperscript{a}",
    "º": r"\textsuperscript{o}",
} | {
    char: f"${command}$"
    for char, command in {
        "×": r"\times",
        "÷": r"\div",
        "±": r"\pm",
        "−": "-",
        "·": r"\cdot",
        "°": r"^{\circ}",
        "²": "^{2}",
        "µ": r"\mu",
        "≥": r"\geq",
        "≤": r"\leq",
        "≠": r"\neq",
        "≈": r"\approx",
        "∞": r"\infty",
        "→": r"\rightarrow",
        "⟨": r"\langle",
        "⟩": r"\rangle",
        "α": r"\alpha",
        "β": r"\beta",
        "γ": r"\gamma",
        "κ": r"\kappa",
        "λ": r"\lambda",
        "φ": r"\phi",
        "χ": r"\chi",
        "ψ": r"\psi",
    }.items()
}
_ACCENTS: Final = dict(
    zip(
        "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327\u0328",
        "`'^~=u.\"rHvck",
        strict=True,
    )
)
# East Asian keyboards type the wide ones, and spreadsheets take them alike.
_FORMULA: Final = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# Where commas are decimals, spreadsheets part cells at semicolons, and take the rest for a cell.
_AFTER_SEPARATOR: Final = re.compile(rf"(;\s*[\"']?)(?=[{re.escape(''.join(_FORMULA))}])")
# Pairs of these would join into a dash or a quotation mark.
_JOINS: Final = frozenset("-',")


# Most texts are long and plain: only what is not is looked at, sign by sign.
_NOT_PLAIN: Final = re.compile(r"[^ -~]")


def visible(text: str, *, keep: str = "") -> str:
    r"""Show every character that would hide or act: controls, escapes, direction marks.

    Examples
    --------
    >>> visible("red \x1b[31m text\u202e")
    'red ⟨U+001B⟩[31m text⟨U+202E⟩'
    """

    def shown(found: re.Match[str]) -> str:
        char = found[0]
        return char if char in keep or not _hides(char) else f"⟨U+{ord(char):04X}⟩"

    return _NOT_PLAIN.sub(shown, text)


def _hides(char: str) -> bool:
    return unicodedata.category(char) in _HIDDEN or ord(char) in _INVISIBLE


def lines(text: str) -> str:
    """Do as `visible`, keeping line breaks and tabs, for texts shown as they are."""
    return visible(text.replace("\r\n", "\n"), keep=_IN_TEXTS)


# What a build server of GitHub takes for a command: at the start of a line, or (the old form) within.
_COMMAND: Final = re.compile(
    r"^((?:\x1b\[[\d;]*m|[^\S\n])*)::(?=.*::)|##\[(?=[^\]\n]*\])", re.MULTILINE
)


def workflow(text: str) -> str:
    r"""Keep a build server from taking a line of a log for a command.

    Examples
    --------
    >>> print(workflow("rates of\n::add-mask::x\n##[error]y"))
    rates of
    \::add-mask::x
    #\#[error]y
    """
    return _COMMAND.sub(lambda at: "#\\#[" if at[1] is None else f"{at[1]}\\::", text)


def json_text(text: str) -> str:
    r"""Write every character of JSON that would hide or act as its code; the data stay the same.

    Examples
    --------
    >>> print(json_text('{"caf\u00e9": "\u202e"}'))
    {"café": "\u202e"}
    """

    def written(found: re.Match[str]) -> str:
        char = found[0]
        return _json_code(char) if char != "\n" and _acts(char) else char

    return _NOT_PLAIN.sub(written, text)


def json_ascii(text: str) -> str:
    r"""Write JSON in ASCII, for terminals and narrow encodings; the data stay the same.

    Examples
    --------
    >>> print(json_ascii('"caf\u00e9 \U0001f600"'))
    "caf\u00e9 \ud83d\ude00"
    """
    return _NOT_PLAIN.sub(
        lambda found: found[0] if found[0] == "\n" else _json_code(found[0]), text
    )


def _acts(char: str) -> bool:
    return _hides(char) and unicodedata.category(char) != "Cs"  # half a character stays a fault


def _json_code(char: str) -> str:
    coded = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{coded[at : at + 2].hex()}" for at in range(0, len(coded), 2))


def markdown(text: str) -> str:
    r"""Escape everything that Markdown, its HTML or GitHub's mentions would act on.

    The result stands on one line, at its start or within it, and in a cell of a table. A name
    after ``@`` or a number after ``#`` is parted from it by a zero-width space, because GitHub
    would notify a stranger even where the sign is escaped.

    Examples
    --------
    >>> print(markdown("<b>| 1+1"))
    \<b>\| 1+1
    >>> print(markdown("- self_harm 7.3%"), markdown("_gpt-x_"))
    \- self_harm 7.3% \_gpt-x\_
    """
    shown = _MARKDOWN.sub(lambda found: f"\\{found[0]}", visible(text))
    return _MENTION.sub(rf"\1{_NOTHING}", _MARKDOWN_START.sub(r"\1\3\\\2\4", shown))


def latex(text: str) -> str:
    r"""Escape for LaTeX in plain ASCII, so that any engine and any document compiles it.

    Accented Latin letters and common signs become commands (eth, thorn and the ogonek need the
    T1 encoding); everything else becomes its code point.

    Examples
    --------
    >>> print(latex("50% & caf\u00e9 \u4e2d"))
    50\% \& caf\'{e} $\langle$U+4E2D$\rangle$
    """
    parts = []
    before = ""
    for char in unicodedata.normalize("NFC", visible(text)):
        if char == before and char in _JOINS:
            parts.append(r"\/")
        parts.append(_latex_char(char))
        before = char
    return "".join(parts)


def _latex_char(char: str) -> str:
    if char in _LATEX:
        return _LATEX[char]
    if char.isascii():
        return char
    base, *marks = list(unicodedata.normalize("NFD", char))
    if base.isascii() and base.isalpha() and len(marks) == 1 and marks[0] in _ACCENTS:
        return f"\\{_ACCENTS[marks[0]]}{{{base}}}"
    return rf"$\langle$U+{ord(char):04X}$\rangle$"


def spreadsheet(text: str) -> str:
    """Keep a spreadsheet from taking a cell for a formula.

    Examples
    --------
    >>> spreadsheet("=HYPERLINK()"), spreadsheet("gpt-x"), spreadsheet(";=cmd()")
    ("'=HYPERLINK()", 'gpt-x', ";'=cmd()")
    """
    shown = visible(text)
    guarded = f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown
    return _AFTER_SEPARATOR.sub(r"\1'", guarded)
