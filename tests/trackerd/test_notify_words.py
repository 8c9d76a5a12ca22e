"""What people read: four languages, the zone and what in the subject, and nothing of where anybody is."""

from __future__ import annotations

import re
import string
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from geofence.event import Kind
from geofence.model import DeviceId, Micros, ZoneId
from geofence.wire import VERDICTS
from trackerd.notify.sender import Parcel
from trackerd.notify.words import Words, _all
from trackerd.store import Letter, Told

BRUSSELS = ZoneInfo("Europe/Brussels")
LANGUAGES = ("nl", "fr", "de", "en")
WINDOW = {"from": "2026-05-04T06:00:00Z", "to": "2026-05-04T15:00:00Z"}
ALL = sorted({*Kind, *VERDICTS.values(), "zone.due"} - {"retract"})


def event(type_: str = "zone.skip", name: str = "e1", **more: Any) -> Told:
    zoned = type_.startswith("zone")
    data: dict[str, Any] = {"device": "w07", "warden": "gw-2", "lon": 4.19812, "lat": 50.91034, "battery_pct": 12}
    if zoned:
        data |= {"zone": "box-07", "zone_name": "Probleembox Markt", "kind": "box", "seconds": 754.0}
    if type_ in ("zone.due", *VERDICTS.values()):
        data |= {"window": WINDOW, "reason": "markt"}
        del data["device"], data["warden"]
    body = {"id": name, "type": f"trackerd.{type_}", "time": "2026-05-04T08:12:31Z", "data": data | more}
    return Told(name, f"trackerd.{type_}", Micros(0), body, ZoneId("box-07") if zoned else None, DeviceId("w07"))


def read(language: str, told: Told, about: Told | None = None) -> tuple[str, str]:
    taken_back = {told.id: about} if about is not None else {}
    return Words(language, BRUSSELS, "asse").message(Parcel((Letter(1, "mail", told),), taken_back))


@pytest.mark.parametrize(
    ("language", "type_", "subject"),
    [
        ("nl", "zone.skip", "Overgeslagen: Probleembox Markt, 08:00–17:00"),
        ("fr", "zone.skip", "Non visité: Probleembox Markt, 08:00–17:00"),
        ("de", "zone.skip", "Ausgelassen: Probleembox Markt, 08:00–17:00"),
        ("en", "zone.skip", "Skipped: Probleembox Markt, 08:00–17:00"),
        ("nl", "zone.enter", "Aangekomen: Probleembox Markt, 10:12"),
        ("nl", "device.sos", "SOS: gw-2, 10:12"),
        ("fr", "device.battery", "Batterie faible: gw-2, 10:12"),
        ("en", "zone.teleported", "Event: Probleembox Markt, 10:12"),
    ],
)
def test_the_subject_says_what_and_of_which_zone(language: str, type_: str, subject: str) -> None:
    assert read(language, event(type_))[0] == subject


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("type_", ALL)
def test_every_event_has_its_words_and_only_an_sos_says_where(language: str, type_: str) -> None:
    subject, text = read(language, event(type_))
    other = _all()["other"][language][0]
    assert not subject.startswith(other)
    assert not re.search(r"[{}]|None|  ", subject + text.replace("-- \n", ""))
    assert ("50.91034" in text) is (type_ == "device.sos")
    assert "50.9" not in subject
    assert "e1" in text
    assert ("04.05.2026" if language == "de" else "04/05/2026") in text


def test_every_word_is_there_in_four_languages_and_asks_for_what_is_known() -> None:
    known = {"zone", "who", "date", "time", "start", "end", "span", "reason", "battery", "lat", "lon", "type",
             "site", "ids", "count"}  # fmt: skip
    for type_, words in _all().items():
        assert tuple(words) == LANGUAGES, type_
        asked = [{field for _, field, _, _ in string.Formatter().parse("".join(words[one])) if field} for one in words]
        assert all(one == asked[0] for one in asked), type_
        assert asked[0] <= known


def test_what_is_taken_back_is_said_again() -> None:
    back = event("retract", "r1", retracts="e1")
    subject, text = read("nl", back, event())
    assert subject == "Ingetrokken: Overgeslagen: Probleembox Markt, 08:00–17:00"
    assert "later binnengekomen" in text
    assert "> Probleembox Markt is niet bezocht" in text
    assert read("nl", back)[0].startswith("Ingetrokken: ")  # what it takes back is no longer kept


def test_a_name_cannot_write_a_header_nor_a_field() -> None:
    subject, _ = read("en", event("zone.enter", zone_name="Markt\r\nBcc: all@asse.be {lat}"))
    assert subject == "Arrived: Markt Bcc: all@asse.be {lat}, 10:12"


def test_an_event_with_nothing_in_it_is_told_all_the_same() -> None:
    bare = Told("e1", "trackerd.zone.skip", Micros(0), {"time": "2026-05-04T08:12:31Z"}, ZoneId("box-07"))
    assert read("en", bare)[0] == "Skipped: box-07, 10:12"
