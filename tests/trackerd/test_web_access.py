"""Who may what: nobody without a role, a viewer changes nothing, a warden sees themself alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from argon2.profiles import CHEAPEST

from tests.servers import until
from tests.trackerd.rooms import BOX, PASSWORD, Site, Stream
from trackerd import clock
from trackerd.load import load
from trackerd.web.book import Account, Book, BookError
from trackerd.web.opened import book_file

OPEN = {("GET", "/api/session"), ("POST", "/api/session"), ("DELETE", "/api/session"), ("GET", "/healthz"),
        ("GET", "/readyz")}  # fmt: skip
"""What answers whoever asks."""
CHANGES = {"/api/zones/preview", "/api/zones/lint", "/api/reports/place"}
ASKED = {"purpose": "trying it out", "date": "2026-05-04", "zone": "box-07", "requirement": "boxes", "warden": "gw-2",
         "start": "2026-05-04T00:00:00Z"}  # fmt: skip
START = "2026-05-04T00:00:00Z"
PLACE = {"lon": 4.2, "lat": 50.9, "from": "2026-05-04", "to": "2026-05-05", "purpose": "trying it out"}
BODIES: dict[str, dict[str, Any]] = {
    "/api/waivers": {"requirement": "boxes", "zone": "box-07", "start": START, "reason": "road works"},
    "/api/breaks": {"warden": "gw-2"}, "/api/health/resend": {}, "/api/zones/lint": {}, "/api/reports/place": PLACE,
    "/api/events/{id}/acknowledgement": {"note": "seen"},
}  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("site")).running() as running:
        running.stand("w01", BOX, datetime.now(UTC) - timedelta(seconds=150))
        running.stand("w02", BOX, datetime.now(UTC) - timedelta(seconds=150))
        running.live(running.client("vera"), lambda live: len(live["wardens"]) == 2)
        yield running


def operations(site: Site) -> list[tuple[str, str]]:
    paths = site.client().get("/api/openapi.json").json()["paths"]
    return [(method.upper(), path) for path, of in paths.items() for method in of]


def asked(client: httpx.Client, method: str, path: str) -> httpx.Response:
    """Ask something that would be answered, if it were allowed."""
    url = path.replace("{id}", "some-event").replace("{version}", "some-edition")
    body = BODIES.get(path)
    if path in ("/api/zones", "/api/zones/preview") and method != "GET":
        body = {"type": "FeatureCollection", "features": []}
    return client.request(method, url, params=ASKED, json=body if method in ("POST", "PUT") else None)


def test_nothing_is_answered_to_who_is_not_signed_in(site: Site) -> None:
    said = {(method, path): asked(site.client(), method, path) for method, path in operations(site)}
    answered = {one for one, answer in said.items() if answer.status_code != 401}
    assert answered == OPEN
    for one, answer in said.items():
        if one not in OPEN:
            assert answer.headers["content-type"] == "application/problem+json", one
            assert answer.json()["detail"] == "sign in first"


def test_a_viewer_changes_nothing_and_looks_at_nobody(site: Site) -> None:
    vera = site.client("vera")
    before = site.zones.read_bytes()
    for method, path in operations(site):
        if (method, path) not in OPEN and (method != "GET" or path in ("/api/day/tracks", "/api/looks")):
            expected = 200 if path == "/api/zones/lint" else 403
            assert asked(vera, method, path).status_code == expected, (method, path)
    assert site.zones.read_bytes() == before
    assert site.client("ada").get("/api/looks").json()["items"] == []


def test_what_changes_something_needs_the_sessions_token(site: Site) -> None:
    coen = site.client("coen")
    for token in (None, "", "0" * 64, site.client("ada").headers["X-CSRF-Token"]):
        headers = {} if token is None else {"X-CSRF-Token": token}
        bare = httpx.Client(base_url=site.url, cookies=coen.cookies)
        assert bare.post("/api/breaks", json={"warden": "gw-1"}, headers=headers).status_code == 403
        assert bare.request("DELETE", "/api/session", headers=headers).status_code == 403
        bare.close()
    assert coen.get("/api/session").json()["signed_in"] is True


OTHERS = [
    ("GET", "/api/day/tracks", {"warden": "gw-2", "purpose": "curious"}, None),
    ("GET", "/api/events", {"warden": "gw-2"}, None),
    ("POST", "/api/breaks", {}, {"warden": "gw-2"}),
    ("DELETE", "/api/breaks", {"warden": "gw-2"}, None),
    ("GET", "/api/plan", {}, None),
    ("GET", "/api/reports/day", {}, None),
    ("GET", "/api/reports/zone", {"zone": "box-07"}, None),
    ("POST", "/api/reports/place", {}, PLACE),
    ("GET", "/api/health", {}, None),
    ("GET", "/api/zones", {"form": "drawn"}, None),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "query", "body"), OTHERS)
def test_another_wardens_data_are_refused(
    site: Site, method: str, path: str, query: dict[str, str], body: dict[str, Any] | None
) -> None:
    assert site.client("wim").request(method, path, params=query, json=body).status_code == 403


def test_a_warden_sees_themself_alone(site: Site) -> None:
    wim = site.client("wim")
    stream = Stream(wim, after=0)
    for path in ("/api/site", "/api/live", "/api/events", "/api/day", "/api/day/tracks?purpose=my+own"):
        answer = wim.get(path)
        assert answer.status_code == 200, answer.text
        assert "gw-1" in answer.text
        assert "gw-2" not in answer.text, path
    live = wim.get("/api/live").json()
    assert [one["warden"] for one in live["wardens"]] == ["gw-1"]
    until(lambda: "zone.enter" in stream.types() and stream.of("live"), lambda: str(stream.heard))
    assert "gw-2" not in str(stream.heard)
    both = site.client("vera").get("/api/live").json()
    assert [one["warden"] for one in both["wardens"]] == ["gw-1", "gw-2"]


def test_who_looks_is_kept_and_told_to_whom_it_concerns(site: Site) -> None:
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    coen, wim = site.client("coen"), site.client("wim")
    assert coen.get("/api/day/tracks", params={"warden": "gw-1"}).status_code == 422
    for warden in ("gw-1", "gw-2"):
        answer = coen.get("/api/day/tracks", params={"warden": warden, "purpose": "complaint 12"})
        assert {one["warden"] for one in answer.json()["items"]} == {warden}
    place = coen.post("/api/reports/place", json={**PLACE, "lon": BOX[0], "lat": BOX[1], "from": today, "to": today})
    assert place.status_code == 200, place.text
    told = [(one["by"], one["question"], one["about"], one["purpose"]) for one in wim.get("/api/looks").json()["items"]]
    assert ("coen", "tracks", "gw-1", "complaint 12") in told
    assert ("coen", "place", "50.91, 4.20, 50 m", PLACE["purpose"]) in told
    assert not [one for one in told if one[2] == "gw-2"]
    everything = site.client("ada").get("/api/looks").json()["items"]
    assert [one["about"] for one in everything if one["purpose"] == "complaint 12"] == ["gw-2", "gw-1"]
    assert coen.get("/api/looks").status_code == 403


def test_signing_in_says_neither_which_was_wrong_nor_how_often_to_try(site: Site) -> None:
    browser = site.client()
    wrong = browser.post("/api/session", json={"name": "coen", "password": "not this one at all"})
    unknown = browser.post("/api/session", json={"name": "nobody", "password": "not this one at all"})
    assert (wrong.status_code, wrong.json()) == (unknown.status_code, unknown.json())
    statuses = [
        browser.post("/api/session", json={"name": "guessed", "password": f"guess {n}"}).status_code for n in range(12)
    ]
    assert statuses[:8] == [401] * 8
    assert set(statuses[8:]) == {429}


def test_a_session_is_a_cookie_no_script_reads_and_ends_when_told(site: Site) -> None:
    browser = site.client()
    answer = browser.post("/api/session", json={"name": "ada", "password": PASSWORD})
    cookie = answer.headers["set-cookie"].lower()
    assert all(word in cookie for word in ("httponly", "samesite=strict", "path=/"))
    token = browser.cookies["trackerd_session"]
    assert browser.delete("/api/session", headers={"X-CSRF-Token": answer.json()["csrf"]}).status_code == 204
    assert httpx.get(f"{site.url}/api/live", cookies={"trackerd_session": token}).status_code == 401


def test_every_answer_tells_the_browser_what_it_may_do(site: Site) -> None:
    for path in ("/", "/api/live", "/healthz", "/nowhere"):
        headers = site.client("vera").get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert "worker-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
    assert httpx.get(f"{site.url}/healthz", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(("trusted", "status"), [("127.0.0.1", 200), ("10.0.0.0/8", 401)])
def test_a_proxy_is_believed_only_where_it_is_stated(tmp_path: Path, trusted: str, status: int) -> None:
    http = f'proxy_user_header = "X-Remote-User"\nproxy_from = ["{trusted}"]'
    with Site(tmp_path, http).running() as site, httpx.Client(base_url=site.url) as browser:
        said = {"X-Remote-User": "coen"}
        assert browser.get("/api/plan", headers=said).status_code == status
        assert browser.get("/api/plan", headers={"X-Remote-User": "stranger"}).status_code == 401
        if status == 200:
            assert browser.post("/api/breaks", json={"warden": "gw-1"}, headers=said).status_code == 403
            csrf = browser.get("/api/session", headers=said).json()["csrf"]
            rest = browser.post("/api/breaks", json={"warden": "gw-1"}, headers={**said, "X-CSRF-Token": csrf})
            assert rest.json() == {"state": "done"}


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with Book(tmp_path / "accounts", PasswordHasher.from_parameters(CHEAPEST)) as made:
        made.add(Account("coen", "coordinator"), PASSWORD)
        yield made


def test_a_session_ends_when_it_is_idle_and_when_it_is_old(book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 5, 4, 8, tzinfo=UTC)
    monkeypatch.setattr(clock, "now", lambda: now)
    token = book.begin("coen", 7200)
    for minutes, lasts in ((20, True), (45, True), (70, True), (101, False)):
        now = datetime(2026, 5, 4, 8, tzinfo=UTC) + timedelta(minutes=minutes)
        assert (book.whose(token, 1800, 7200) is not None) is lasts, minutes
    now = datetime(2026, 5, 4, 8, tzinfo=UTC)
    token = book.begin("coen", 7200)
    for minutes in range(0, 150, 10):
        now = datetime(2026, 5, 4, 8, tzinfo=UTC) + timedelta(minutes=minutes)
        assert (book.whose(token, 1800, 7200) is not None) is (minutes < 120), minutes


def test_a_session_ends_with_its_accounts_password_and_with_the_account(book: Book) -> None:
    token = book.begin("coen", 7200)
    book.change("coen", "another four words altogether")
    assert book.whose(token, 1800, 7200) is None
    assert book.verified("coen", PASSWORD) is None
    token = book.begin("coen", 7200)
    book.remove("coen")
    assert book.whose(token, 1800, 7200) is None


def test_nothing_that_opens_a_door_can_be_read_from_the_book(book: Book, tmp_path: Path) -> None:
    token = book.begin("coen", 7200)
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert token.encode() not in written
    assert PASSWORD.encode() not in written
    assert b"$argon2id$" in written
    assert all(file.stat().st_mode & 0o077 == 0 for file in tmp_path.iterdir())


@pytest.mark.parametrize(("said", "file"), [
    ("", "trackerd.db.accounts"), ('[store]\nurl = "sqlite:////var/a.db"', "/var/a.db.accounts"),
    ('[store]\nurl = "postgresql:///a"', "trackerd.accounts"),
    ('[store]\nurl = "postgresql:///a"\ninbox = "/var/in"', "/var/in.accounts"),
    ('[store]\nurl = "sqlite:////var/a.db"\n[http]\naccounts = "who"', "who"),
])  # fmt: skip
def test_daemon_and_command_line_mean_the_same_accounts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, file: str
) -> None:
    path = tmp_path / "trackerd.toml"
    path.write_text(f'[site]\nname = "asse"\n{said}\n')
    settings, faults = load(path)
    assert settings is not None, faults
    for state in ("", "/var/lib/elsewhere"):  # systemd's word to the daemon alone
        monkeypatch.setenv("STATE_DIRECTORY", state)
        assert book_file(settings, path) == tmp_path / file


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone gives files away")
def test_accounts_that_root_makes_are_the_daemons(tmp_path: Path) -> None:
    os.chown(tmp_path, 65_534, 65_534)
    with Book(tmp_path / "accounts", PasswordHasher.from_parameters(CHEAPEST)) as made:
        made.add(Account("coen", "coordinator"), PASSWORD)
        assert {file.stat().st_uid for file in tmp_path.iterdir()} == {65_534}


@pytest.mark.parametrize(("account", "password", "said"), [
    (Account("coen", "viewer"), PASSWORD, "already"), (Account("a b", "viewer"), PASSWORD, "no name"),
    (Account("x", "king"), PASSWORD, "no role"), (Account("x", "warden"), PASSWORD, "--warden"),
    (Account("x", "viewer", "gw-1"), PASSWORD, "--warden"), (Account("x", "viewer"), "short", "too short"),
])  # fmt: skip
def test_an_account_that_cannot_be_says_why(book: Book, account: Account, password: str, said: str) -> None:
    with pytest.raises(BookError, match=said):
        book.add(account, password)
