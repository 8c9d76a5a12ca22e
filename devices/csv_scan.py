"""Plain rows of a CSV file cut into cells and their numbers read, byte by byte.

    w01,1777882351,4.1981,50.9101,6<LF>
    w01,1777882351.5,4.1982,50.9102,6.5<CR><LF>

What must stay true here: a number is the one Python's ``float`` makes of the same text, to the last bit; whatever is
not plain (see ``scan``) is not read here at all. Plain loops over plain numbers: this is compiled (setup.py), and says
the same where it is not.
"""

from __future__ import annotations

from typing import Final

from librt.vecs import vec
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


class Scanned:
    """What rows say, by columns."""

    def __init__(self, numbers: vec[float], texts: list[bytes], names: list[bytes], name: vec[i64]) -> None:
        self.numbers = numbers
        """Row by row, one for each column of numbers."""
        self.texts = texts
        """Row by row, one for each column of texts."""
        self.names = names
        self.name = name
        """Of each row the number of its name among ``names``; 0 where there is no such column."""


def scan(data: bytes, kinds: str, longest: i64) -> Scanned:
    """Read whole lines, each ended by LF or CR LF, with as many cells as there are ``kinds``.

    Raises NotPlainError: where a row has more or fewer cells, or more than ``longest`` bytes; where a byte is not
    printable ASCII, or one of ``" _`` (quotes, blanks and what only Python takes for a part of a number); where a
    number is none, or not finite. No more than one column of names.
    """
    text = vec[u8](data)
    tens = vec[float](TENS)
    columns: i64 = len(kinds)
    kind = vec[i64]([i64(ord(one)) for one in kinds])
    rows: i64 = data.count(b"\n")
    counted: i64 = kinds.count(NUMBER) + kinds.count(DIGITS)
    numbers = vec[float]([0.0] * (rows * counted))
    name = vec[i64]([0] * rows)
    texts: list[bytes] = []
    index: dict[bytes, int] = {}
    at: i64 = 0
    number: i64 = 0
    row: i64 = 0
    while row < rows:
        begin = at
        column: i64 = 0
        while column < columns:
            start = at
            end = _cell_end(text, at)
            last = text[end] == LF
            at = end + 1
            if last != (column == columns - 1):
                raise NotPlainError
            if last and end > start and text[end - 1] == CR:
                end -= 1
            what: i64 = kind[column]
            if what == ord(NUMBER) or what == ord(DIGITS):
                numbers[number] = _number(text, tens, data, start, end, what == ord(DIGITS))
                number += 1
            elif what == ord(TEXT):
                texts.append(data[start:end])
            elif what == ord(NAME):
                name[row] = i64(index.setdefault(data[start:end], len(index)))
            column += 1
        if at - 1 - begin > longest:
            raise NotPlainError
        row += 1
    return Scanned(numbers, texts, list(index), name)


def _cell_end(text: vec[u8], at: i64) -> i64:
    """Return where the cell ends that begins there: the place of a comma, or of the line's end."""
    while True:
        byte: i64 = i64(text[at])
        if byte in (COMMA, LF):
            return at
        odd = byte <= 32 or byte >= 127 or byte in (QUOTE, UNDERSCORE)
        if odd and not (byte == CR and text[at + 1] == LF):
            raise NotPlainError
        at += 1


def _number(text: vec[u8], tens: vec[float], data: bytes, start: i64, end: i64, digits: bool) -> float:
    """Return the number that stands there."""
    if start == end and not digits:
        return NAN
    whole: i64 = 0
    point: i64 = -1
    at = start
    if not digits and text[at] == MINUS:
        at += 1
    first = at
    while at < end:
        byte: i64 = i64(text[at])
        if ZERO <= byte < ZERO + 10 and whole < EXACT:
            whole = 10 * whole + byte - ZERO
        elif byte == POINT and point < 0:
            point = at
        else:
            return _odd(data, start, end, digits)
        at += 1
    after = 0 if point < 0 else end - 1 - point
    if whole > EXACT or after > 22 or end - first - (point >= 0) < 1:
        return _odd(data, start, end, digits)
    value = float(whole) / tens[after]
    return -value if first > start else value


def _odd(data: bytes, start: i64, end: i64, digits: bool) -> float:
    """Return a number that is written in another way, or is longer, as Python reads it."""
    cell = data[start:end]
    if digits and not cell.replace(b".", b"", 1).isdigit():
        raise NotPlainError
    value = float(cell)
    if value - value != 0.0:  # not finite
        raise NotPlainError
    return value
