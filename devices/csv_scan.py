"""Plain rows of a CSV file cut into cells and their numbers read, byte by byte.

    w01,1777882351,4.1981,50.9101,6<LF>
    w01,1777882351.5,4.1982,50.9102,6.5<CR><LF>

What must stay true here: a number is the one Python's ``float`` makes of the same text, to the last bit; whatever is
not plain (see ``scan``) is not read here at all. Plain loops over plain numbers: this is compiled (setup.py), and says
the same where it is not.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import append, vec
from mypy_extensions import i64, u8

SKIP: Final = "."
NUMBER: Final = "n"
"""A decimal number; NaN where the cell is empty."""
DIGITS: Final = "t"
"""A number of digits and a point at most."""
TEXT: Final = "x"
NAME: Final = "d"
"""Kinds of columns."""
EXACT: Final = 1 << 53
"""Whole numbers up to here are exact, and so are the powers of ten up to the 22nd: one over the other is rounded once,
and right (Clinger 1990)."""
TENS: Final = [float(f"1e{n}") for n in range(23)]
LF: Final = 10
CR: Final = 13
QUOTE: Final = 34
COMMA: Final = 44
MINUS: Final = 45
POINT: Final = 46
ZERO: Final = 48
UNDERSCORE: Final = 95
NAN: Final = float("nan")


class NotPlainError(ValueError):
    """These rows are to be read one by one."""


class _Names:
    """The names found, each with a number. Rows take turns, so the one that came after this before is tried first."""

    def __init__(self, data: bytes, text: vec[u8]) -> None:
        self._data, self._text = data, text
        self.all: dict[bytes, int] = {}
        self._start, self._end, self._next = vec[i64](), vec[i64](), vec[i64]()
        """Of each name where it stood first, and the number of the name that came after it."""
        self._last: i64 = -1

    def number(self, start: i64, end: i64) -> i64:
        """Return the number of the name that stands there."""
        found: i64 = -1
        if self._last >= 0:
            found = self._next[self._last]
            if not self._same(found, start, end):
                found = -1
        if found < 0:
            found = self._looked_up(start, end)
        if self._last >= 0:
            self._next[self._last] = found
        self._last = found
        return found

    def _same(self, number: i64, start: i64, end: i64) -> bool:
        """Return whether that name stands there."""
        other, text = self._start[number], self._text
        if end - start != self._end[number] - other:
            return False
        while start < end:
            if text[start] != text[other]:
                return False
            start += 1
            other += 1
        return True

    def _looked_up(self, start: i64, end: i64) -> i64:
        count: i64 = len(self._start)
        found: i64 = i64(self.all.setdefault(self._data[start:end], count))
        if found == count:
            self._start, self._end = append(self._start, start), append(self._end, end)
            self._next = append(self._next, found)
        return found


class Scanned:
    """What rows say, by columns."""

    def __init__(self, numbers: vec[float], texts: list[bytes], names: _Names, name: vec[i64]) -> None:
        self.numbers = numbers
        """Row by row, one for each column of numbers."""
        self.texts = texts
        """Row by row, one for each column of texts."""
        self.names = names
        self.name = name
        """Of each row the number of its name among ``names.all``; 0 where there is no such column."""


def scan(data: bytes, kinds: str, longest: i64) -> Scanned:
    """Read whole lines, each ended by LF or CR LF, with as many cells as there are ``kinds``.

    Raises NotPlainError: where a row has more or fewer cells, or more than ``longest`` bytes; where a byte is not
    printable ASCII, or one of ``" _`` (quotes, blanks and what only Python takes for a part of a number); where a
    number is none, or not finite. No more than one column of names.
    """
    text, tens = vec[u8](data), vec[float](TENS)
    columns: i64 = len(kinds)
    kind = vec[i64]([i64(ord(one)) for one in kinds])
    rows: i64 = data.count(b"\n")
    counted: i64 = kinds.count(NUMBER) + kinds.count(DIGITS)
    found = Scanned(vec[float]([0.0] * (rows * counted)), [], _Names(data, text), vec[i64]([0] * rows))
    numbers, name, names = found.numbers, found.name, found.names
    at: i64 = 0
    number: i64 = 0
    row: i64 = 0
    while row < rows:
        begin = at
        column: i64 = 0
        while column < columns:
            what: i64 = kind[column]
            start = at
            if what == ord(NUMBER) or what == ord(DIGITS):
                numbers[number], at = _number(text, tens, data, start, what == ord(DIGITS))
                number += 1
            else:
                at = _cell_end(text, at)
                if what == ord(TEXT):
                    found.texts.append(data[start:at])
                elif what == ord(NAME):
                    name[row] = names.number(start, at)
            at += text[at] == CR
            if (text[at] == LF) != (column == columns - 1):
                raise NotPlainError
            at += 1
            column += 1
        if at - 1 - begin > longest:
            raise NotPlainError
        row += 1
    return found


def _cell_end(text: vec[u8], at: i64) -> i64:
    """Return where the cell ends that begins there: the place of a comma, or of the line's end."""
    while True:
        byte: i64 = i64(text[at])
        if byte in (COMMA, LF):
            return at
        if byte <= 32 or byte >= 127 or byte in (QUOTE, UNDERSCORE):
            if byte == CR and text[at + 1] == LF:
                return at
            raise NotPlainError
        at += 1


def _number(text: vec[u8], tens: vec[float], data: bytes, start: i64, digits: bool) -> tuple[float, i64]:
    """Return the number that stands there, and where its cell ends."""
    whole: i64 = 0
    point: i64 = -1
    at = start
    if not digits and text[at] == MINUS:
        at += 1
    first = at
    while True:
        byte: i64 = i64(text[at])
        if ZERO <= byte < ZERO + 10 and whole < EXACT:
            whole = 10 * whole + byte - ZERO
        elif byte == POINT and point < 0:
            point = at
        else:
            break
        at += 1
    after: i64 = 0 if point < 0 else at - 1 - point
    many: i64 = at - first - (point >= 0)
    ended = byte in (COMMA, LF) or (byte == CR and text[at + 1] == LF)
    if not ended or whole > EXACT or after > 22 or many < 1:
        end = _cell_end(text, at)
        return _odd(data[start:end], digits), end
    value = float(whole) / tens[after]
    return -value if first > start else value, at


def _odd(cell: bytes, digits: bool) -> float:
    """Return a number that is written in another way, or is longer, as Python reads it."""
    if not cell and not digits:
        return NAN
    if digits and not cell.replace(b".", b"", 1).isdigit():
        raise NotPlainError
    value = float(cell)
    if value - value != 0.0:  # not finite
        raise NotPlainError
    return value
