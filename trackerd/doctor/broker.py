"""Whether the broker lets us in, keeps strangers out, and keeps what is meant for us.

What must stay true here: an own client id and own topics, so that neither the daemon's session nor anybody's position
is touched; nothing is left behind at the broker.
"""

from __future__ import annotations

import secrets
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from paho.mqtt.client import MQTTMessage
from paho.mqtt.reasoncodes import ReasonCode

from geofence.duration import words
from trackerd.assemble import broker
from trackerd.doctor.certificates import handshake
from trackerd.doctor.finding import Finding, Patient
from trackerd.mqtt import Broker, BrokerFault, make_client
from trackerd.sources.mqtt import REMEDIES
from trackerd.sources.mqtt_link import SESSION_S

WAIT_S = 3.0
FOREIGN = "trackerd-doctor"
"""A topic that is nobody's."""


class Visit:
    """One connection to the broker."""

    def __init__(self, at: Broker, session_s: int = 0) -> None:
        """Connect. Raises BrokerFault where the configuration's files, and OSError where the broker, is at fault."""
        self.client = make_client(at, session_s=session_s)
        self.reason: ReasonCode | None = None
        self.session = False
        self.expiry_s = session_s
        self._answered, self._published, self._subscribed = threading.Event(), threading.Event(), threading.Event()
        self.arrived = threading.Event()
        self._code: ReasonCode | None = None
        self.client.on_connect = self._on_connect
        self.client.on_publish = self._on_publish
        self.client.on_subscribe = lambda *_: self._subscribed.set()
        self.client.on_message = self._on_message
        self.client.reconnect()
        self.client.loop_start()
        self._answered.wait(WAIT_S)

    @property
    def welcome(self) -> bool:
        """Whether we were let in."""
        return self.reason is not None and not self.reason.is_failure

    def publish(self, topic: str) -> ReasonCode | None:
        """Publish something nobody needs, with QoS 1; return the broker's word, None where there was none."""
        self._published.clear()
        self._code = None
        self.client.publish(topic, b"", 1)
        self._published.wait(WAIT_S)
        return self._code

    def subscribe(self, topic: str) -> None:
        """Ask for a topic."""
        self._subscribed.clear()
        self.client.subscribe(topic, 1)
        self._subscribed.wait(WAIT_S)

    def leave(self) -> None:
        """Go."""
        self.client.disconnect()
        self.client.loop_stop()

    def _on_connect(self, _client: Any, _data: Any, flags: Any, reason: ReasonCode, properties: Any) -> None:
        self.reason, self.session = reason, flags.session_present
        self.expiry_s = getattr(properties, "SessionExpiryInterval", self.expiry_s)
        if reason.is_failure:
            self.client.disconnect()
        self._answered.set()

    def _on_publish(self, _client: Any, _data: Any, _mid: int, reason: ReasonCode, _properties: Any) -> None:
        self._code = reason
        self._published.set()

    def _on_message(self, _client: Any, _data: Any, message: MQTTMessage) -> None:
        if message.topic.startswith(FOREIGN):
            self.arrived.set()


def look(patient: Patient) -> Iterator[Finding]:
    """Look at every broker the configuration names."""
    settings = patient.settings
    sections = [None] if settings.mqtt.host else []
    places = {}
    for section in [*sections, *(one for one in settings.source if one.kind == "mqtt")]:
        at = broker(settings, patient.path, "doctor", section)
        places[at.host, at.port] = replace(at, client_id=f"{FOREIGN}-{secrets.token_hex(4)}")
    for at in places.values():
        yield from _broker(at, settings.mqtt.prefix if settings.mqtt.host == at.host else None)


def _broker(at: Broker, prefix: str | None) -> Iterator[Finding]:
    about = f"broker {at.host}:{at.port}"
    try:
        if at.tls:
            handshake(at)
        visit = Visit(at)
    except BrokerFault as fault:
        yield Finding(about, "fault", str(fault), "name the file as the configuration's folder sees it")
        return
    except ssl.SSLCertVerificationError as fault:
        yield Finding(
            about, "fault", f"its certificate is refused: {fault.verify_message}", "see the certificates below"
        )
        return
    except OSError as fault:
        why = getattr(fault, "strerror", None) or str(fault)
        yield Finding(
            about, "away", f"cannot be reached: {why}", "systemctl status mosquitto; check host, port and tls"
        )
        return
    try:
        if not visit.welcome:
            yield _turned_away(about, visit)
            return
        yield Finding(about, "well", f"lets us in as {at.username or 'whoever comes'}")
        yield from _rights(about, at, visit, prefix)
        yield from _strangers(about, at)
        yield from _memory(about, at)
    except OSError as fault:
        yield Finding(about, "away", f"left while it was looked at: {fault}", "systemctl status mosquitto, and its log")
    finally:
        visit.leave()


def _turned_away(about: str, visit: Visit) -> Finding:
    if visit.reason is None:
        return Finding(about, "away", "takes the connection and says nothing", "is it a broker? Check port and tls")
    why = str(visit.reason)
    remedy = next((text for reason, text in REMEDIES.items() if reason in why), "its log says more")
    return Finding(about, "fault", f"does not let us in: {why}", remedy)


def _rights(about: str, at: Broker, visit: Visit, prefix: str | None) -> Iterator[Finding]:
    """Tell whether what is ours may be written, and what is nobody's may not."""
    if prefix is not None:
        code = visit.publish(f"{prefix}/doctor")
        if code is None or code.is_failure:
            yield Finding(about, "fault", f"events may not be written to {prefix}/…: {code or 'no answer'}",
                          f"in its access list: user {at.username or 'trackerd'}, topic write {prefix}/#")  # fmt: skip
    topic = f"{FOREIGN}/{secrets.token_hex(8)}"
    visit.subscribe(topic)
    code = visit.publish(topic)
    taken = code is not None and not code.is_failure and visit.arrived.wait(1.0)
    if taken:
        said = "has no access list: a foreign topic was taken, so any tracker can write as another"
        yield Finding(about, "fault", said, "trackerd broker-config --out FOLDER makes one; then reload the broker")
    else:
        yield Finding(about, "well", "its access list refuses a foreign topic")


def _strangers(about: str, at: Broker) -> Iterator[Finding]:
    """Tell whether somebody without a name is let in."""
    if at.cert_file is not None:
        return
    visit = Visit(replace(at, username=None, password_file=None, client_id=f"{FOREIGN}-{secrets.token_hex(4)}"))
    if visit.welcome:
        local = at.host in ("localhost", "127.0.0.1", "::1")
        yield Finding(about, "warning" if local else "fault", "lets in whoever comes, without a name",
                      "allow_anonymous false in its settings: trackerd broker-config writes them")  # fmt: skip
    else:
        yield Finding(about, "well", "lets nobody in without a name")
    visit.leave()


def _memory(about: str, at: Broker) -> Iterator[Finding]:
    """Tell whether what comes while we are away waits for us, as far as a broker shows it."""
    first = Visit(at, SESSION_S)
    first.subscribe(f"{FOREIGN}/{secrets.token_hex(8)}")
    kept_s = first.expiry_s
    first.leave()
    again = Visit(at, SESSION_S)
    kept = again.session
    again.leave()
    Visit(at).leave()  # clean: nothing of us stays there
    if not kept:
        yield Finding(about, "fault", "forgets us at once: what phones send while the daemon is away is lost",
                      "persistent_client_expiration 14d; no limit on sessions for this user")  # fmt: skip
        return
    if kept_s < SESSION_S:
        yield Finding(
            about, "warning", f"keeps what is ours for {words(kept_s)} only", "persistent_client_expiration 14d"
        )
    yield Finding(about, "well", "keeps a session for us while we are away")
    yield Finding(about, "note", "whether it does so on disk no broker tells",
                  "persistence true and autosave_on_changes true, as trackerd broker-config writes them")  # fmt: skip
