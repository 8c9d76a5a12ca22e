"""Pages as HTML that can be read by everybody, on a phone and on paper, and mailed as one file.

What must stay true here: everything that came from outside is escaped; nothing is fetched from anywhere; each table
has a caption and says of what its cells are the heads.
"""

from __future__ import annotations

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from geofence.wire import moment
from trackerd.report.formats import RIGHT
from trackerd.report.page import Column, Page, Sort, said


def as_html(page: Page, now: int) -> str:
    """Return the page as one document, made ``now``."""
    made = page.speech("Made by trackerd, {time}", time=page.speech.stamp(now))
    return _template().render(page=page, said=said, moment=moment, style=_style, made=made)


def _style(column: Column) -> str:
    if column.sort in RIGHT:
        return "number"
    return "time" if column.sort in (Sort.TIME, Sort.CLOCK, Sort.DAY) else "text"


@cache
def _template() -> Template:
    env = Environment(loader=PackageLoader("trackerd.report", ""), autoescape=True, undefined=StrictUndefined)
    return env.get_template("page.html.j2")
