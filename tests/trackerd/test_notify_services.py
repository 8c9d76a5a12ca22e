"""Apprise as an extra: without it a clear fault, with it a message through the real library."""

from __future__ import annotations

import sys
from zoneinfo import ZoneInfo

import pytest

from tests.receivers import web
from tests.servers import free_port
from tests.trackerd.test_notify_words import event
from trackerd.notify.sender import Parcel, Undelivered
from trackerd.notify.services import Service
from trackerd.notify.words import Words
from trackerd.store import Letter

WORDS = Words("fr", ZoneInfo("Europe/Brussels"), "asse")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the library looks for what Python drops
PARCEL = Parcel((Letter(1, "phone", event()),))


def test_without_the_library_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(ValueError, match=r"pip install 'trackerd\[apprise\]'"):
        Service("json://localhost", WORDS)


def test_a_message_by_the_library(capfd: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("apprise")
    with web() as server:
        assert Service(f"json://localhost:{server.port}/secret-token", WORDS).send(PARCEL) == "the service took it"
        (request,) = server.taken
        assert request.event["title"] == "Non visité: Probleembox Markt, 08:00–17:00"
        assert "n'a pas été visité" in request.event["message"]
    with pytest.raises(Undelivered, match="did not take it") as told:
        Service(f"json://localhost:{free_port()}/secret-token", WORDS).send(PARCEL)
    assert told.value.away
    assert "secret-token" not in str(told.value) + "".join(capfd.readouterr())


def test_an_address_the_library_does_not_know_is_told_without_it() -> None:
    pytest.importorskip("apprise")
    with pytest.raises(ValueError, match="no address that Apprise knows") as told:
        Service("pigeon://secret-token", WORDS)
    assert "secret" not in str(told.value)
