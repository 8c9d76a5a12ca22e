"""One language and one clock: the words, numbers, days and spans of a page.

What must stay true here: English is in the code, the rest in trackerd/locale/*/LC_MESSAGES/reports.po, read as it is:
nothing is compiled, so a clean checkout speaks every language. What a catalogue lacks is said in English.
"""

from __future__ import annotations

import io
from datetime import date, datetime, time, tzinfo
from functools import cache
from gettext import GNUTranslations, NullTranslations
from importlib.resources import files

from babel import Locale
from babel.dates import format_date, format_datetime, format_time
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent
from babel.units import format_unit

from geofence.model import to_datetime

LOCALES = {"nl": "nl_BE", "fr": "fr_BE", "de": "de_BE", "en": "en_GB"}
"""What is usual in Belgium, by language."""


def nn(text: str) -> str:
    """Mark a text to be said later."""
    return text


class Speech:
    """How a page says things."""

    def __init__(self, language: str, zone: tzinfo) -> None:
        """``language``: nl, fr, de or en; ``zone``: the town's clock."""
        self.language, self.zone = language, zone
        self.locale = Locale.parse(LOCALES[language])
        self._words = _catalogue(language)

    def __call__(self, text: str, **fields: object) -> str:
        """Say a text, with what stands in its braces."""
        return self._words.gettext(text).format(**fields)

    def local(self, moment: int) -> datetime:
        """Return a moment (microseconds) by the town's clock."""
        return to_datetime(moment).astimezone(self.zone)

    def time(self, moment: int) -> str:
        """Say a day and a time."""
        return f"{self.day(self.local(moment).date())} {self.clock(moment)}"

    def clock(self, moment: int) -> str:
        """Say a time of day."""
        return format_time(self.local(moment), "HH:mm", locale=self.locale)

    def day(self, on: date) -> str:
        """Say a day, shortly, with its weekday."""
        return f"{format_date(on, 'EEE', locale=self.locale)} {self.short(on)}"

    def short(self, on: date) -> str:
        """Say a day as a date alone."""
        return format_date(on, "short", locale=self.locale)

    def long_day(self, on: date) -> str:
        """Say a day in full."""
        return format_date(on, "full", locale=self.locale)

    def period(self, start: int, end: int) -> str:
        """Say a time from a moment to another; whole days by their names, the last one too."""
        first, after = self.local(start), self.local(end)
        if first.time() == after.time() == time.min:
            days = dict.fromkeys(self.day(day) for day in (first.date(), self.local(end - 1).date()))
            return " – ".join(days)
        return f"{self.time(start)} – {self.time(end)}"

    def stamp(self, moment: int) -> str:
        """Say when a page was made."""
        return format_datetime(self.local(moment), "long", locale=self.locale, tzinfo=self.zone)

    def span(self, seconds: float) -> str:
        """Say how long, in the two units that matter."""
        left = round(seconds)
        parts: list[str] = []
        for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
            count, left = divmod(left, length)
            if count and len(parts) < 2:
                parts.append(format_unit(count, f"duration-{unit}", length="short", locale=self.locale))
            elif parts:
                break
        return " ".join(parts) or format_unit(0, "duration-second", length="short", locale=self.locale)

    def number(self, value: float, shape: str = "#,##0") -> str:
        """Say a number."""
        return format_decimal(value, shape, locale=self.locale)

    def share(self, part: float) -> str:
        """Say a share as per cent."""
        return format_percent(part, locale=self.locale)

    def points(self, change: float) -> str:
        """Say a change of a share, in points."""
        return format_decimal(change * 100, "+#,##0;-#,##0", locale=self.locale) if round(change * 100) else "0"

    def metres(self, metres: float) -> str:
        """Say a distance."""
        if metres < 1000:
            return format_unit(self.number(metres), "length-meter", length="short", locale=self.locale)
        return format_unit(
            self.number(metres / 1000, "#,##0.0"), "length-kilometer", length="short", locale=self.locale
        )


@cache
def _catalogue(language: str) -> NullTranslations:
    source = files("trackerd").joinpath("locale", language, "LC_MESSAGES", "reports.po")
    if not source.is_file():
        return NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(source.read_bytes()), locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)
