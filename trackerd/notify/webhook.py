"""Events by HTTP: one POST each, a CloudEvent in structured mode, signed as Standard Webhooks has it.

What must stay true here: the id is the event's, so the receiver can drop doubles; TLS is verified; a redirect is not
followed, for it would carry the event to where nobody said; coordinates go out with an SOS alone; the address itself
is in no message, for it may hold a secret.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import http.client
import json
import ssl
import urllib.request
from collections.abc import Sequence
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from geofence.model import SECOND, to_micros
from trackerd import __version__, clock
from trackerd.notify.sender import Parcel, Undelivered
from trackerd.notify.wishes import SOS
from trackerd.store import Told

TIMEOUT_S = 10.0
"""For the connection, and for each answer."""
LATER = {408, 425}
AWAY = {429, 502, 503, 504}
"""What a receiver, or what stands before it, says when it takes nothing at the moment."""
SHORTEST, LONGEST = 24, 64
"""Bytes of a key, by Standard Webhooks."""


class Webhook:
    """One address."""

    def __init__(self, url: str, keys: Sequence[bytes], tls: ssl.SSLContext) -> None:
        """``keys``: each signs, so that one can take the place of another without a gap; none: unsigned."""
        self._url, self._keys = url, keys
        self._host = urlsplit(url).netloc
        self._opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=tls), _Stay())

    def send(self, parcel: Parcel) -> str:
        """See Transport."""
        for letter in parcel.letters:
            status = self._post(letter.event)
        return f"{self._host} took it: {status}"

    def _post(self, event: Told) -> int:
        body = json.dumps(_shown(event), separators=(",", ":"), ensure_ascii=False).encode()
        sent = str(to_micros(clock.now()) // SECOND)
        headers = {
            "Content-Type": "application/cloudevents+json; charset=utf-8", "User-Agent": f"trackerd/{__version__}",
            "webhook-id": event.id, "webhook-timestamp": sent,
        }  # fmt: skip
        if self._keys:
            headers["webhook-signature"] = " ".join(signature(key, event.id, sent, body) for key in self._keys)
        request = urllib.request.Request(self._url, body, headers, method="POST")  # noqa: S310 - http or https
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as answer:
                return int(answer.status)
        except HTTPError as error:
            error.close()
            raise _answered(error) from None
        except (OSError, http.client.HTTPException) as error:
            raise Undelivered(f"{self._host}: {_why(error)}", away=True) from None


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follow nobody."""

    def redirect_request(self, *_: object) -> None:
        """Return no request."""


def signature(key: bytes, id_: str, timestamp: str, body: bytes) -> str:
    """Return what Standard Webhooks 1 asks for: HMAC-SHA256 over id, timestamp and body."""
    digest = hmac.new(key, b".".join((id_.encode(), timestamp.encode(), body)), hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def key_of(secret: str) -> bytes:
    """Return the key of a secret as Standard Webhooks writes it, ``whsec_`` and base64; ValueError with a remedy."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not SHORTEST <= len(key) <= LONGEST:
        raise ValueError("is not base64 of 24 to 64 bytes; make one with: openssl rand -base64 32")
    return key


def _shown(event: Told) -> dict[str, object]:
    if event.type == SOS:
        return event.body
    data = {key: value for key, value in event.body.get("data", {}).items() if key not in ("lon", "lat")}
    return event.body | {"data": data}


def _answered(error: HTTPError) -> Undelivered:
    said = f"answered {error.code} {error.reason}"
    if error.code < 400:
        return Undelivered(f"{said}: it has moved; write its new address as url", away=True)
    wait = error.headers.get("Retry-After", "")
    wait_s = float(wait) if wait.isdecimal() else 0.0
    refused = error.code < 500 and error.code not in LATER | AWAY
    return Undelivered(said, refused=refused, away=error.code in AWAY, wait_s=wait_s)


def _why(error: Exception) -> str:
    reason = error.reason if isinstance(error, URLError) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {reason.verify_message}"
    if isinstance(reason, TimeoutError):
        return f"no answer in {TIMEOUT_S:g} s"
    text = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
    return str(text).lower()
