"""JSON that is too large to be held: one value at a time, whatever stands around it."""

import codecs
import json
from collections.abc import Iterator
from typing import IO, Any, Final

from riskshift.errors import FileError

# Of one value, in characters. Records are far smaller; only what is passed over may come near it.
LARGEST: Final = 256 * 1024 * 1024
_BLOCK: Final = 1 << 16
_BLANK: Final = " \t\r\n"
_OF_NUMBERS: Final = "0123456789+-.eE"


class JsonText:
    """JSON read as far as it is asked for; the tokens NaN and Infinity are numbers.

    Parameters
    ----------
    opened : binary file
        UTF-8, with or without a byte order mark.
    name : str
        What to call it in messages.
    most : int
        Characters that one value may have.
    """

    def __init__(self, opened: IO[bytes], name: str, *, most: int = LARGEST) -> None:
        self._opened = opened
        self._name = name
        self._most = most
        self._decode = codecs.getincrementaldecoder("utf-8-sig")().decode
        self._parse = json.JSONDecoder(strict=False).raw_decode
        self._text = ""
        self._at = 0
        self._passed = 0
        self._block = _BLOCK

    @property
    def place(self) -> str:
        """Where the next value stands, for a message."""
        return f"{self._name}, character {self._passed + self._at + 1:,}"

    def peek(self) -> str:
        """Return the next character that is not blank; nothing at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _BLANK:
                self._at += 1
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def take(self, marks: str) -> str:
        """Return the next mark, which must be one of `marks`.

        Raises
        ------
        FileError
            If something else stands there, or nothing.
        """
        found = self.peek()
        if not found or found not in marks:
            raise self._fault(f"{' or '.join(marks)} is missing" if found else "it ends too soon")
        self._at += 1
        return found

    def value(self) -> Any:
        """Return the next value.

        Raises
        ------
        FileError
            If it is not JSON, is cut off, nests too deeply, or is longer than any value may be.
        """
        self.peek()
        while True:
            try:
                value, end = self._parse(self._text, self._at)
            except RecursionError as error:
                raise self._fault("nested too deeply") from error
            except ValueError as error:
                if self._more():
                    continue
                raise self._fault(_words(error)) from error
            # A number at the end of what was read may go on: 1, 1.5, 1.5e3.
            if not self._text[end:].strip(_OF_NUMBERS) and self._more():
                continue
            self._at, self._block = end, _BLOCK
            return value

    def _more(self) -> bool:
        """Read on; False at the end."""
        block = self._opened.read(self._block)
        try:
            text = self._decode(block, final=not block)
        except UnicodeDecodeError as error:
            raise FileError(
                f"{self._name} is not UTF-8 (byte 0x{error.object[error.start]:02x})."
            ) from error
        self._passed += self._at
        self._text, self._at = self._text[self._at :] + text, 0
        self._block = min(self._block * 2, 1 << 24)
        if len(self._text) > self._most:
            raise self._fault(f"a value of more than {self._most:,} characters")
        return bool(block)

    def _fault(self, what: str) -> FileError:
        return FileError(f"{self.place}: not valid JSON: {what}.")


def _words(error: ValueError) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)


def walk(text: JsonText, to: str) -> Iterator[tuple[str, Any]]:
    """Yield what a document holds: the items of one list each alone, all else as it stands.

    Parameters
    ----------
    text : JsonText
        At the start of an object; of a list, where `to` is empty.
    to : str
        Path of the list, such as ``"results.results"``.

    Yields
    ------
    (str, value)
        An item of the list by that path, a member that lies beside the way by its own.

    Raises
    ------
    FileError
        If it is not JSON, or is cut off.

    Examples
    --------
    >>> import io
    >>> held = io.BytesIO(b'{"made": {"by": "x", "rows": [1, NaN]}, "end": true}')
    >>> list(walk(JsonText(held, "a.json"), "made.rows"))
    [('made.by', 'x'), ('made.rows', 1), ('made.rows', nan), ('end', True)]
    """
    yield from _inside(text, to.split(".") if to else [], to, "")


def _inside(text: JsonText, way: list[str], to: str, here: str) -> Iterator[tuple[str, Any]]:
    if not way:
        if text.peek() != "[":
            yield to, text.value()
            return
        for _ in _each(text, "[", "]"):
            yield to, text.value()
        return
    if text.peek() != "{":
        yield here, text.value()
        return
    for key, path in _members(text, here):
        if key == way[0]:
            yield from _inside(text, way[1:], to, path)
        else:
            yield path, text.value()


def _each(text: JsonText, opened: str, closed: str) -> Iterator[None]:
    """Stop before each item of a list or each member of an object, which is then to be read."""
    text.take(opened)
    if text.peek() == closed:
        text.take(closed)
        return
    yield
    while text.take(f",{closed}") == ",":
        yield


def _members(text: JsonText, here: str) -> Iterator[tuple[Any, str]]:
    """Yield the key and the path of each member of an object, whose value is then to be read."""
    for _ in _each(text, "{", "}"):
        key = text.value()
        text.take(":")
        yield key, f"{here}.{key}" if here else str(key)


def paths(text: JsonText, *, depth: int = 2) -> Iterator[str]:
    """Yield the paths of a document's members down to a depth, as far as it can be read.

    Examples
    --------
    >>> import io
    >>> list(paths(JsonText(io.BytesIO(b'{"a": {"b": {"c": 1}}, "d": [2'), "a.json")))
    ['a', 'a.b', 'd']
    """
    try:
        yield from _named(text, depth, "")
    except FileError:
        return


def _named(text: JsonText, depth: int, here: str) -> Iterator[str]:
    for _, path in _members(text, here):
        yield path
        if depth > 1 and text.peek() == "{":
            yield from _named(text, depth - 1, path)
        else:
            text.value()


def at(value: Any, path: str) -> Any:
    """Return what stands at a path in a value; None where nothing does.

    Examples
    --------
    >>> at({"a": [{"b": 1}]}, "a.0.b"), at({"a": None}, "a.b"), at({"a.b": 2}, "a.b")
    (1, None, 2)
    """
    if isinstance(value, dict) and (path in value or "." not in path):
        return value.get(path)
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value
