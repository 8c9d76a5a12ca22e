"""Who asks, and what they may: the one place where that is decided.

What must stay true here: who is not known may nothing but sign in; what changes something needs the session's token in
a header, which no other site's page can know; a warden is given their own data and nobody else's; a proxy is believed
about who it brings only where it comes from an address that was stated, and only about accounts that are in the book.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Annotated, cast

from fastapi import Depends, Request

from trackerd.web.problem import ProblemError

if TYPE_CHECKING:
    from trackerd.web.room import Room

COOKIE = "trackerd_session"
TOKEN = "X-CSRF-Token"  # noqa: S105 - a header's name
SAFE = ("GET", "HEAD", "OPTIONS")
_SEES = ("see",)
_COORDINATES = (*_SEES, "acknowledge", "waive", "break", "tracks", "place")
MAY: dict[str, tuple[str, ...]] = {
    "viewer": _SEES,
    "coordinator": _COORDINATES,
    "administrator": (*_COORDINATES, "zones", "looks", "resend"),
    "warden": (),
}
_SECRET = secrets.token_bytes(32)
"""Of this process: what tokens are derived with for those a proxy brings."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who is known."""

    name: str
    role: str
    warden: str | None
    csrf: str

    @property
    def may(self) -> tuple[str, ...]:
        """What they may."""
        return MAY[self.role]

    @property
    def own(self) -> str | None:
        """The one warden whose data they may see; None: everybody's."""
        return (self.warden or "") if self.role == "warden" else None

    def sees(self, warden: str | None) -> bool:
        """Return whether they may see what is known of that warden."""
        return self.own is None or self.own == warden


def room_of(request: Request) -> Room:
    """Return what the application works on."""
    return cast("Room", request.app.state.room)


def known(request: Request) -> Caller | None:
    """Return who asks; None where nobody is signed in."""
    room = room_of(request)
    name = _brought(request, room)
    if name is not None:
        account = room.book.account(name)
        return None if account is None else Caller(*account[:3], _derived(f"proxy {account.name}"))
    token = request.cookies.get(COOKIE, "")
    account = (
        room.book.whose(token, room.http.session_idle, room.http.session_end) if len(token) < 100 and token else None
    )
    return None if account is None else Caller(*account[:3], _derived(token))


def caller(request: Request) -> Caller:
    """Return who asks; else a problem."""
    found = known(request)
    if found is None:
        raise ProblemError(401, "sign in first")
    if request.method not in SAFE and not hmac.compare_digest(
        request.headers.get(TOKEN, "").encode(), found.csrf.encode()
    ):
        raise ProblemError(403, f"send the session's token with it, as {TOKEN}")
    return found


class Needs:
    """Lets through who may one of these; ``own`` lets a warden through, to their own data."""

    def __init__(self, *any_of: str) -> None:
        self._any_of = any_of

    def __call__(self, who: Annotated[Caller, Depends(caller)]) -> Caller:
        """Return who asks; else a problem."""
        if not set(self._any_of) & {*who.may, *(("own",) if who.role == "warden" else ())}:
            raise ProblemError(403, f"a {who.role} may not do this")
        return who


Sees = Annotated[Caller, Depends(Needs("see"))]
SeesOrOwn = Annotated[Caller, Depends(Needs("see", "own"))]


def csrf_of(token: str) -> str:
    """Return what a session's changes are to be sent with."""
    return _derived(token)


def _derived(token: str) -> str:
    return hmac.new(_SECRET, token.encode(), hashlib.sha256).hexdigest()


def _brought(request: Request, room: Room) -> str | None:
    """Return whom a trusted proxy says it brings; None where none says anything."""
    header = room.http.proxy_user_header
    if header is None or request.client is None:
        return None
    try:
        address = ip_address(request.client.host)
    except ValueError:
        return None
    if not any(address in network for network in room.http.proxies):
        return None
    name = request.headers.get(header, "").strip()
    return name or None
