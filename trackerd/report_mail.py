"""A report by mail: its page as the body, plain and HTML, its workbook beside it.

What must stay true here: a report sent twice has the same Message-ID; it goes where a ``[[notify]]`` of kind mail says.
"""

from __future__ import annotations

from pathlib import Path
from uuid import uuid5

from geofence.names import NAMESPACE
from trackerd.config import Settings
from trackerd.notify.mail import Mail
from trackerd.notify.make import NotifyFault, transport
from trackerd.report.formats import terminal
from trackerd.report.html import as_html
from trackerd.report.page import Page
from trackerd.report.xlsx import as_xlsx

XLSX = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")
WIDTH = 100
"""Letters of a line of the plain body."""


def send(page: Page, name: str, settings: Settings, config: Path, now: int) -> str:
    """Send a page by the ``[[notify]]`` of that name; return what the server said. Raises NotifyFault, Undelivered."""
    mails = {one.name: one for one in settings.notify if one.kind == "mail"}
    if name not in mails:
        known = ", ".join(mails) or "none"
        raise NotifyFault(f'there is no [[notify]] of kind "mail" named {name!r}; there are: {known}')
    way = transport(mails[name], settings, config)
    if not isinstance(way, Mail):
        raise TypeError(f"{name} is no mail")
    day = next((f": {fact.value}" for fact in page.facts if fact.key == "date"), "")
    id_ = uuid5(NAMESPACE, repr((settings.site.name, page.key, page.speech.language, day, page.period)))
    message = way.message(str(id_), page.title + day)
    message.set_content(terminal(page, WIDTH))
    message.add_alternative(as_html(page, now), subtype="html")
    message.add_attachment(as_xlsx(page), *XLSX, filename=f"trackerd-{page.key}.xlsx")
    return way.hand_in(message)
