"""Webhooks to a real web server: what is sent, how it is signed, and what each answer means."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from geofence.model import DeviceId, Micros, ZoneId
from tests.receivers import Request, web
from tests.servers import certificate, free_port
from trackerd.notify.sender import Parcel, Undelivered
from trackerd.notify.webhook import Webhook, key_of, signature
from trackerd.store import Letter, Told

KEY = b"k" * 24
TLS = ssl.create_default_context()


def event(name: str = "e1", type_: str = "zone.enter", **data: Any) -> Told:
    body = {"specversion": "1.0", "id": name, "type": f"trackerd.{type_}", "time": "2026-05-04T08:12:31Z", "data": data}
    return Told(name, f"trackerd.{type_}", Micros(0), body, ZoneId("box"), DeviceId("w1"))


def parcel(told: Told | None = None) -> Parcel:
    return Parcel((Letter(1, "hook", told or event()),))


def test_what_is_sent_can_be_verified_by_whoever_knows_the_secret() -> None:
    with web() as server:
        said = Webhook(server.url, [KEY, b"n" * 32], TLS).send(parcel(event(zone_name="Café Ter Linden")))
    (request,) = server.taken
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert request.headers["webhook-id"] == request.event["id"] == "e1"
    assert abs(int(request.headers["webhook-timestamp"]) - time.time()) < 60
    assert request.event["data"]["zone_name"] == "Café Ter Linden"
    signed = f"e1.{request.headers['webhook-timestamp']}.".encode() + request.body
    old, new = (base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode() for key in (KEY, b"n" * 32))
    assert request.headers["webhook-signature"] == f"v1,{old} v1,{new}"
    assert said == f"localhost:{server.port} took it: 204"


def test_the_signature_is_the_standards_own() -> None:
    """The example of the Standard Webhooks libraries."""
    key = key_of("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("secret", ["", "hunter2", "whsec_", "whsec_c2hvcnQ=", "x" * 200, "whsec_" + "A" * 200])
def test_a_secret_that_is_none_is_told(secret: str) -> None:
    with pytest.raises(ValueError, match="openssl rand -base64 32"):
        key_of(secret)


def test_only_an_sos_says_where() -> None:
    with web() as server:
        hook = Webhook(server.url, [], TLS)
        hook.send(parcel(event(lon=4.2, lat=50.9, zone="box")))
        hook.send(parcel(event(type_="device.sos", lon=4.2, lat=50.9)))
    assert [request.event["data"] for request in server.taken] == [{"zone": "box"}, {"lon": 4.2, "lat": 50.9}]
    assert "webhook-signature" not in server.taken[0].headers


@pytest.mark.parametrize(
    ("status", "refused", "away"),
    [
        (400, True, False), (401, True, False), (404, True, False), (410, True, False), (413, True, False),
        (408, False, False), (425, False, False), (429, False, True), (500, False, False), (501, False, False),
        (502, False, True), (503, False, True), (504, False, True), (301, False, True), (307, False, True),
    ],
)  # fmt: skip
def test_what_an_answer_means(status: int, refused: bool, away: bool) -> None:
    with web(lambda _handler, _request: status) as server, pytest.raises(Undelivered, match=str(status)) as told:
        Webhook(server.url, [], TLS).send(parcel())
    assert (told.value.refused, told.value.away) == (refused, away)


def with_header(name: str, value: str, status: int) -> Undelivered:
    """Return what comes of an answer with this header."""

    def answer(handler: BaseHTTPRequestHandler, _request: Request) -> None:
        handler.send_response(status)
        handler.send_header(name, value)
        handler.end_headers()

    with web(answer) as server, pytest.raises(Undelivered) as told:
        Webhook(server.url, [], TLS).send(parcel())
    return told.value


def test_a_redirect_is_not_followed() -> None:
    with web() as other:
        assert "write its new address" in str(with_header("Location", other.url, 302))
        assert other.came == []


def test_retry_after_is_heard() -> None:
    assert with_header("Retry-After", "120", 429).wait_s == 120
    assert with_header("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT", 503).wait_s == 0


def test_what_is_wrong_with_the_line_is_said_without_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trackerd.notify.webhook.TIMEOUT_S", 0.3)

    def hang_up(handler: BaseHTTPRequestHandler, _request: Request) -> None:
        handler.connection.shutdown(socket.SHUT_RDWR)

    def nonsense(handler: BaseHTTPRequestHandler, _request: Request) -> None:
        handler.wfile.write(b"SSH-2.0-OpenSSH\r\n")

    _, cert, key = certificate(tmp_path)
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs.load_cert_chain(cert, key)
    with web() as silent, web(hang_up) as gone, web(nonsense) as odd, web(tls=theirs) as unknown:
        silent.answer = silent.hang
        for url, why in [
            (silent.url, "no answer in 0.3 s"), (gone.url, "closed connection"), (odd.url, "ssh-2.0"),
            (unknown.url, "certificate is not trusted"), (f"http://localhost:{free_port()}/token-in-path", "refused"),
            ("http://no-such-host.invalid/x", "no-such-host.invalid: "),
        ]:  # fmt: skip
            with pytest.raises(Undelivered, match=why) as told:
                Webhook(url, [KEY], TLS).send(parcel())
            assert told.value.away
            assert not told.value.refused
            assert "/hook" not in str(told.value)
            assert "token" not in str(told.value)


def test_a_certificate_of_the_towns_own_authority(tmp_path: Path) -> None:
    ca, cert, key = certificate(tmp_path)
    theirs = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    theirs.load_cert_chain(cert, key)
    with web(tls=theirs) as server:
        Webhook(server.url, [KEY], ssl.create_default_context(cafile=ca)).send(parcel())
    assert server.ids == ["e1"]


def test_the_receiver_in_the_manual_verifies(tmp_path: Path) -> None:
    """The six lines of docs/alerts.md, run as they stand there."""
    manual = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text()
    code = manual.partition("```python\n")[2].partition("```")[0]
    assert len([line for line in code.splitlines() if line.strip()]) <= 8
    names: dict[str, Any] = {}
    exec(code, names)
    secret = "whsec_" + base64.b64encode(KEY).decode()
    with web() as server:
        Webhook(server.url, [b"o" * 24, key_of(secret)], TLS).send(parcel())
    (request,) = server.taken
    assert names["genuine"](secret, request.headers, request.body)
    assert not names["genuine"](secret, request.headers, request.body + b" ")
    assert not names["genuine"](secret, request.headers | {"webhook-timestamp": "1614265330"}, request.body)
    assert json.loads(request.body)["id"] == "e1"
    assert threading.active_count() < 50
