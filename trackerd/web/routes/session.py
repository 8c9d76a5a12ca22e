"""Coming in and going out, and who one is.

What must stay true here: a wrong name and a wrong password are answered alike, and as slowly; guessing is slowed by
name, by address and over all, and costs the turn nothing: few passwords are looked at, at once.
"""

from __future__ import annotations

import threading

from fastapi import APIRouter, Request, Response

from trackerd.web.access import COOKIE, Caller, csrf_of, known, room_of
from trackerd.web.limits import Pace
from trackerd.web.models.session import DemoAccount, Session, SignIn
from trackerd.web.problem import ProblemError, described
from trackerd.web.room import Room

router = APIRouter(tags=["session"])
BY_BOTH, BY_NAME, BY_ADDRESS, OVER_ALL = (1 / 30, 8.0), (1 / 5, 30.0), (1 / 5, 20.0), (2.0, 40.0)
"""Attempts a second, and at once, that fail: for a name from one address, for a name, from an address, for all."""


class Guard:
    """How often passwords may be tried."""

    def __init__(self) -> None:
        self._paces = Pace(*BY_BOTH), Pace(*BY_NAME), Pace(*BY_ADDRESS), Pace(*OVER_ALL)
        self.at_once = threading.BoundedSemaphore(2)

    def check(self, name: str, address: str) -> None:
        """Raise a problem where it is too often."""
        keys = f"{address} {name}", name, address, ""
        wait = max(pace.wait_s(key) for pace, key in zip(self._paces, keys, strict=True))
        if wait:
            raise ProblemError(429, "too many attempts; wait a little", headers={"Retry-After": str(round(wait) + 1)})

    def forgive(self, name: str, address: str) -> None:
        """Take back an attempt that did not fail."""
        for pace, key in zip(self._paces, (f"{address} {name}", name, address, ""), strict=True):
            pace.give_back(key)


@router.get("/api/session", summary="Who am I?")
def who_am_i(request: Request) -> Session:
    """Say who is signed in and what they may; nobody is no error."""
    return _told(known(request), room_of(request))


@router.post("/api/session", summary="Sign in", responses=described(401, 413, 422, 429))
def sign_in(request: Request, response: Response, asked: SignIn) -> Session:
    """Begin a session: a cookie that no script can read, and a token to send with changes."""
    room = room_of(request)
    guard: Guard = request.app.state.guard
    address = request.client.host if request.client else ""
    guard.check(asked.name, address)
    with guard.at_once:
        account = room.book.verified(asked.name, asked.password)
    if account is None:
        raise ProblemError(401, "the name or the password is wrong")
    guard.forgive(asked.name, address)
    token = room.book.begin(account.name, room.http.session_end)
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, token, path="/", httponly=True, samesite="strict", secure=secure)
    return _told(Caller(*account[:3], csrf_of(token)), room)


@router.delete("/api/session", status_code=204, summary="Sign out", responses=described(403))
def sign_out(request: Request, response: Response) -> None:
    """End the session; where there is none, nothing happens."""
    who = known(request)
    if who is not None and request.headers.get("X-CSRF-Token", "") != who.csrf:
        raise ProblemError(403, "send the session's token with it, as X-CSRF-Token")
    room_of(request).book.end(request.cookies.get(COOKIE, ""))
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")


def _told(who: Caller | None, room: Room) -> Session:
    demo = None if room.demo is None else DemoAccount(name=room.demo[0], password=room.demo[1])
    if who is None:
        return Session(signed_in=False, demo=demo is not None, demo_account=demo)
    return Session.model_validate({
        "signed_in": True, "name": who.name, "role": who.role, "warden": who.warden, "csrf": who.csrf,
        "may": list(who.may), "demo": demo is not None, "demo_account": demo,
    })  # fmt: skip
