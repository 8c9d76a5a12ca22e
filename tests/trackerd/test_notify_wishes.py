"""Who is told what, and what ``[[notify]]`` may say."""

from __future__ import annotations

from datetime import datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from geofence.calendar import Hours
from geofence.model import DeviceId, Micros, ZoneId, to_micros
from trackerd.config import Settings
from trackerd.load import load
from trackerd.notify import make
from trackerd.notify.mail import Mail
from trackerd.notify.make import NotifyFault, transports
from trackerd.notify.webhook import Webhook
from trackerd.notify.wishes import Wishes
from trackerd.store import Told
from trackerd.town import build

BRUSSELS = ZoneInfo("Europe/Brussels")


def event(type_: str, zone: str | None = "box-07", **data: Any) -> Told:
    return Told("e", f"trackerd.{type_}", Micros(0), {"data": data}, zone and ZoneId(zone), DeviceId("w1"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wishes", "told", "wanted"),
    [
        (Wishes(), event("zone.enter"), True),
        (Wishes(types=("zone.*",)), event("zone.skip"), True),
        (Wishes(types=("zone.*",)), event("device.sos", None), False),
        (Wishes(types=("zone.skip", "device.sos")), event("device.sos", None), True),
        (Wishes(types=("skip",)), event("zone.skip"), False),
        (Wishes(kinds=("box",)), event("zone.skip", kind="box"), True),
        (Wishes(kinds=("box",)), event("zone.skip", kind="school"), False),
        (Wishes(kinds=("box",)), event("zone.skip"), False),
        (Wishes(kinds=("box",)), event("device.silent", None), True),
        (Wishes(zones=("box-*", "market")), event("zone.skip"), True),
        (Wishes(zones=("box-*", "market")), event("zone.skip", "school-1"), False),
        (Wishes(teams=("asse",)), event("zone.skip", team="asse"), True),
        (Wishes(teams=("asse",)), event("zone.skip", team="zellik"), False),
        (Wishes(teams=("asse",)), event("zone.skip"), False),
        (Wishes(teams=("asse",)), event("device.silent", None), False),
        (Wishes(teams=("asse",)), event("device.sos", None), True),
        (Wishes(teams=("asse",)), event("device.sos", None, team="zellik"), False),
    ],
)
def test_who_is_told_what(wishes: Wishes, told: Told, wanted: bool) -> None:
    assert wishes.want(told) is wanted


@pytest.mark.parametrize(
    ("hours", "moment", "quiet"),
    [
        (("22:00", "07:00"), "2026-05-04T21:59", False), (("22:00", "07:00"), "2026-05-04T22:00", True),
        (("22:00", "07:00"), "2026-05-05T06:59", True), (("22:00", "07:00"), "2026-05-05T07:00", False),
        (("12:00", "13:00"), "2026-05-04T12:30", True), (("12:00", "13:00"), "2026-05-04T13:00", False),
        (("22:00", "07:00"), "2026-03-29T06:59", True), (("22:00", "07:00"), "2026-03-29T07:00", False),
        (("22:00", "07:00"), "2026-10-25T06:59", True), (("22:00", "07:00"), "2026-10-25T07:00", False),
    ],
)  # fmt: skip
def test_quiet_hours_are_the_towns_also_when_the_clock_changes(
    hours: tuple[str, str], moment: str, quiet: bool
) -> None:
    wishes = Wishes(quiet=Hours(time.fromisoformat(hours[0]), time.fromisoformat(hours[1])), zone=BRUSSELS)
    assert wishes.quiet_at(to_micros(datetime.fromisoformat(moment).replace(tzinfo=BRUSSELS))) is quiet


HOOK = 'kind = "webhook"\nname = "desk"\nurl = "https://desk.asse.be/x"\n'
MAIL = 'kind = "mail"\nname = "post"\nhost = "smtp.asse.be"\nfrom = "t@asse.be"\nto = ["c@asse.be"]\n'


def settings(folder: Path, *sections: str) -> tuple[Settings | None, list[str]]:
    path = folder / "trackerd.toml"
    path.write_text("".join(f"[[notify]]\n{section}" for section in sections))
    found, faults = load(path)
    if found is not None:
        faults += build(found, path)[1]
    return found, [str(fault).removeprefix(f"{path}: ") for fault in faults]


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        (HOOK.replace("https", "ftp"), 'notify[1].url: write it as "https://host/path"'),
        (HOOK.replace("//desk", "//me:secret@desk"), "notify[1].url: write it as"),
        (HOOK.replace('url = "https://desk.asse.be/x"\n', ""), 'a notify of kind "webhook" needs url'),
        (HOOK + 'group = "5m"\n', 'a notify of kind "webhook" has no group'),
        (HOOK + 'to = ["c@asse.be"]\n', "has no to"),
        (HOOK.replace('"desk"', '"mqtt"'), "notify[1].name: \"mqtt\" is the broker's route"),
        (HOOK.replace("webhook", "pigeon"), "notify[1].kind"),
        (HOOK + 'secret = "hunter2"\n', "did you mean secret_file?"),
        (HOOK + 'quiet = "22-7"\n', 'notify[1].quiet: write quiet hours as "22:00-07:00"'),
        (MAIL.replace('from = "t@asse.be"\n', ""), 'a notify of kind "mail" needs from'),
        (MAIL.replace('["c@asse.be"]', "[]"), 'a notify of kind "mail" needs to'),
        (MAIL.replace('"c@asse.be"', '"c at asse"'), "notify[1].to[1]: write an address as"),
        (MAIL + 'username = "t"\n', "username and password_file go together"),
        (MAIL + 'username = "t"\npassword_file = "p"\ntls = "none"\n', "a password is not sent in clear"),
        (MAIL + 'language = "es"\n', "notify[1].language"),
        (HOOK + 'types = ["zone.skipp"]\n', "types[1]: no event is of the type 'zone.skipp': did you mean zone.skip?"),
        (HOOK + 'types = ["persons.*"]\n', "there are zone.enter"),
        ('kind = "apprise"\nname = "phone"\n', 'a notify of kind "apprise" needs url_file'),
    ],
)  # fmt: skip
def test_a_fault_names_its_key_and_a_remedy(tmp_path: Path, section: str, fault: str) -> None:
    found, faults = settings(tmp_path, section)
    assert found is None
    assert len(faults) == 1
    assert fault in faults[0]
    assert "hunter2" not in faults[0].partition("known here")[0] or "did you mean" in faults[0]


def test_types_may_be_written_as_events_say_them(tmp_path: Path) -> None:
    found, _ = settings(tmp_path, HOOK + 'types = ["trackerd.zone.*", "retract"]\n')
    assert found is not None
    assert make.wishes(found.notify[0], found).types == ("zone.*", "retract")


def test_a_filter_nothing_fits_is_warned_of(tmp_path: Path) -> None:
    found, faults = settings(tmp_path, HOOK + 'kinds = ["boxx"]\nzones = ["box-*"]\nteams = ["nope"]\n')
    assert found is not None
    assert [fault.partition(" (")[0] for fault in faults] == [
        "notify[1].kinds: nothing fits 'boxx'", "notify[1].zones: nothing fits 'box-*'",
        "notify[1].teams: nothing fits 'nope'",
    ]  # fmt: skip


def test_two_of_one_name_are_told(tmp_path: Path) -> None:
    _, faults = settings(tmp_path, HOOK, MAIL.replace("post", "desk"))
    assert faults == ["notify: the id 'desk' is used twice (give each its own)"]


def test_what_is_told_unless_more_is_wished(tmp_path: Path) -> None:
    found, _ = settings(tmp_path, HOOK, MAIL, MAIL.replace("post", "all") + 'types = ["*"]\nquiet = "22:00-07:00"\n')
    assert found is not None
    hook, mail, every = (make.wishes(section, found) for section in found.notify)
    assert (hook.types, mail.types, every.types) == (("*",), ("zone.skip", "device.sos"), ("*",))
    assert every.quiet == Hours(time(22), time(7))
    assert str(every.zone) == "Europe/Brussels"
    ways = transports(found, tmp_path / "trackerd.toml")
    assert isinstance(ways["desk"], Webhook)
    assert isinstance(ways["post"], Mail)


def named(name: str) -> str:
    return HOOK.replace('"desk"', f'"{name}"')


def test_all_files_that_cannot_be_used_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "short").write_text("whsec_c2hvcnQ=\n")
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "odd").write_bytes(b"\xff\xfe")
    (tmp_path / "two").write_text("json://a json://b\n")
    found, _ = settings(
        tmp_path,
        named("one") + 'secret_file = "short"\n', named("two") + 'secret_file = "gone"\n',
        named("three") + 'ca_file = "short"\n', MAIL + 'username = "t"\npassword_file = "empty"\n',
        'kind = "apprise"\nname = "phone"\nurl_file = "odd"\n', 'kind = "apprise"\nname = "phones"\nurl_file = "two"\n',
    )  # fmt: skip
    assert found is not None
    with pytest.raises(NotifyFault) as told:
        transports(found, tmp_path / "trackerd.toml")
    assert str(told.value).splitlines() == [
        "notify one: secret_file short: is not base64 of 24 to 64 bytes; make one with: openssl rand -base64 32",
        "notify two: secret_file gone: no such file or directory",
        "notify three: ca_file short: is not a certificate in pem form",
        "notify post: password_file empty: is empty",
        "notify phone: url_file odd: is not utf-8 text",
        "notify phones: url_file two: one address, and one [[notify]] for each",
    ]
