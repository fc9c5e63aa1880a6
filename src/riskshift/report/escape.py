"""Hostile text made inert: what may act on a page, a terminal, a typesetter or a spreadsheet.

Names of models, groups and ids come from the data too, so everything is escaped alike.
"""

import re
import unicodedata
from typing import Final

_LINE_BREAKS: Final = "\n\t"
# Characters that take part in nothing but tricks: controls, bidirectional overrides, invisible
# operators, private use, unpaired surrogates.
_HIDDEN: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$&:@^=])")
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
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "'": r"\textquotesingle{}",
    "-": r"{-}",
    "–": "--",
    "×": r"$\times$",
    "−": r"$-$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "∞": r"$\infty$",
}


def visible(text: str, *, keep: str = "") -> str:
    """Show every character that would hide or act: controls, escapes, direction marks.

    Examples
    --------
    >>> visible("red \\x1b[31m text\\u202e")
    'red ⟨U+001B⟩[31m text⟨U+202E⟩'
    """
    return "".join(
        char
        if char in keep or unicodedata.category(char) not in _HIDDEN
        else f"⟨U+{ord(char):04X}⟩"
        for char in text
    )


def lines(text: str) -> str:
    """Do as `visible`, keeping line breaks and tabs, for texts shown as they are."""
    return visible(text.replace("\r\n", "\n"), keep=_LINE_BREAKS)


def markdown(text: str) -> str:
    """Escape everything that Markdown or its HTML would act on.

    Examples
    --------
    >>> markdown("<b>| =1+1")
    '\\\\<b\\\\>\\\\| \\\\=1\\\\+1'
    """
    return _MARKDOWN.sub(r"\\\1", visible(text))


def latex(text: str) -> str:
    """Escape for LaTeX; letters beyond Latin-1 become their code point, so that any engine compiles.

    Examples
    --------
    >>> latex("50% & \\u4e2d")
    '50\\\\% \\\\& {[}U+4E2D{]}'
    """
    return "".join(_latex_char(char) for char in visible(text))


def _latex_char(char: str) -> str:
    if char in _LATEX:
        return _LATEX[char]
    if " " <= char <= "~":
        return f"{{{char}}}" if char in "[]" else char
    if char.isalpha() and ord(char) <= 0xFF:
        return char
    return f"{{[}}U+{ord(char):04X}{{]}}"


def spreadsheet(text: str) -> str:
    """Keep a spreadsheet from taking a cell for a formula.

    Examples
    --------
    >>> spreadsheet("=HYPERLINK()"), spreadsheet("gpt-x")
    ("'=HYPERLINK()", 'gpt-x')
    """
    shown = visible(text)
    return f"'{shown}" if shown.startswith(("=", "+", "-", "@")) else shown
