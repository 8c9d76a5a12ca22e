"""Fixes by MQTT: QoS 1 with manual acknowledgement over a session the broker keeps for us.

What must stay true here: a message is acknowledged only after its receipt was called, on the connection it came by;
until then the broker has it and redelivers it. A lost session is counted and said. Nothing a publisher sends stops it.

Back-pressure is not asking for the next chunk: then nothing is read from the socket, and TCP holds the broker. A
small thread (``_tend``) keeps the connection meanwhile; without it only that comfort would be missing.
"""

from __future__ import annotations

import contextlib
import logging
import ssl
import threading
from collections.abc import Iterator, Sequence

from trackerd import clock
from trackerd.chunk import Chunk
from trackerd.mqtt import Broker, BrokerFault
from trackerd.mqtt_stream import Arrived
from trackerd.sources.backoff import Backoff
from trackerd.sources.mqtt_link import PARTED, Link, Receipt
from trackerd.sources.standing import Standing, Wake

log = logging.getLogger(__name__)

TOPICS: Sequence[tuple[str, str]] = (
    ("owntracks/+/+", "owntracks"), ("trackerd/in/+/nmea", "nmea"), ("trackerd/in/+/duty", "duty"),
)  # fmt: skip
"""Topic filters subscribed to unless told otherwise, each with the decoder of its messages."""

MOST_TOPICS = 10_000
"""Topics whose meaning is remembered."""
STEADY_S = 10.0
"""A connection that lasted so long was a success; two daemons with one client id throw each other out sooner."""

TAKEN_OVER = "Session taken over"
REMEDIES = {
    "Not authorized": "check username, password_file and the broker's access list",
    "Bad user name or password": "check username and password_file",
    TAKEN_OVER: "another client uses this client_id; each daemon needs its own",
    "Client identifier not valid": "the broker wants another client_id (perhaps the username)",
    "Packet too large": "a message over the limit of 64 KiB",
}


class MqttSource(Standing):
    """Messages of the topics subscribed to, each a chunk with its receipt.

    It is connected once its topics are granted; what the broker held for it may come before.
    """

    def __init__(
        self,
        name: str,
        broker: Broker,
        topics: Sequence[tuple[str, str]] = TOPICS,
        *,
        session_expected: bool = False,
        backoff: Backoff | None = None,
    ) -> None:
        """``session_expected``: an earlier run had a session, so not finding it is a loss to be told."""
        super().__init__(name)
        self.broker = broker
        self.topics = [(check_filter(each), decoder) for each, decoder in topics]
        self.sessions_lost = 0
        self._had_session = session_expected
        self._backoff = backoff or Backoff(1, 60)
        self._brief = 0  # connections in a row that were granted and soon lost
        self._wake = Wake()
        self._link: Link | None = None
        self._known: dict[bytes, tuple[str, tuple[str, ...], str | None]] = {}

    def __iter__(self) -> Iterator[Chunk]:
        """Yield messages until closed, over as many connections as it takes."""
        threading.Thread(target=self._tend, name=f"{self.name}-tend", daemon=True).start()
        while not self.closed.is_set():
            yield from self._connection()
            if self._backoff.wait(self.closed):
                break
        self.tell(False, "closed", expected=True)

    def close(self) -> None:
        """Make the iteration end soon."""
        super().close()
        self._wake.ring()

    def _connection(self) -> Iterator[Chunk]:
        """Yield what one connection brings; say how it ended."""
        link = None
        began = clock.monotonic()
        try:
            self._link = link = Link(self.broker, [each for each, _ in self.topics], self._wake)
            link.open()
            told = False
            while not self.closed.is_set():
                message = link.step(1.0)
                if link.granted is not None and not told:
                    told = True
                    self._connected(link)
                if message is not None:
                    yield self._chunk(link, message)
                elif link.lost:
                    self._disconnected(link, clock.monotonic() - began)
                    break
        except (OSError, BrokerFault) as fault:
            self.tell(False, self._unreachable(fault))
        except Exception as fault:
            # Whatever it is, the messages are still the broker's: begin anew rather than die silently.
            log.exception("source %s: begins anew", self.name)
            self.tell(False, f"a fault of ours, see the log: {type(fault).__name__}")
        finally:
            self._link = None
            if link is not None:
                with contextlib.suppress(Exception):
                    link.end()

    def _connected(self, link: Link) -> None:
        if self._had_session and not link.session_present:
            self.sessions_lost += 1
            log.warning("source %s: the broker has lost our session; what it held for us may be gone", self.name)
        self._had_session = True
        detail = "connected, session resumed" if link.session_present else "connected, new session"
        if self.sessions_lost:
            detail += f"; sessions lost: {self.sessions_lost} (messages held by the broker may be gone)"
        answers = list(zip((each for each, _ in self.topics), link.granted or [], strict=False))
        refused = [f"{each} ({answer})" for each, answer in answers if answer.is_failure]
        weak = [each for each, answer in answers if not answer.is_failure and answer.value < 1]
        if refused:
            detail += f"; subscription refused: {', '.join(refused)}: check the broker's access list"
        if weak:
            detail += f"; granted without acknowledgement (QoS 0): {', '.join(weak)}"
        self.tell(len(refused) < len(answers), detail)
        if len(refused) == len(answers):
            link.end()  # and ask again later

    def _disconnected(self, link: Link, lasted_s: float) -> None:
        steady = lasted_s > STEADY_S and link.granted is not None
        if steady:
            self._backoff.reset()
        self._brief = 0 if steady or link.granted is None else self._brief + 1
        if link.lost != PARTED:  # by ourselves, and the reason is told
            remedy = next((f"; {text}" for reason, text in REMEDIES.items() if reason in link.lost), "")
            if not remedy and self._brief >= 3:  # older brokers do not say it
                remedy = f"; again and again: perhaps {REMEDIES[TAKEN_OVER]}"
            self.tell(False, f"{self._where()}: {link.lost}{remedy}")

    def _where(self) -> str:
        return f"{self.broker.host}:{self.broker.port}"

    def _unreachable(self, fault: Exception) -> str:
        if isinstance(fault, BrokerFault):
            return str(fault)
        if isinstance(fault, ssl.SSLCertVerificationError):
            return f"{self._where()}: certificate refused: {fault.verify_message}; check ca_file and host"
        if isinstance(fault, ssl.SSLError):
            return f"{self._where()}: no TLS there ({fault.reason}); check port and tls"
        why = (getattr(fault, "strerror", None) or str(fault)).lower()
        return f"cannot reach the broker at {self._where()}: {why}"

    def _chunk(self, link: Link, message: Arrived) -> Chunk:
        known = self._known.get(message.topic)
        if known is None:
            if len(self._known) >= MOST_TOPICS:
                self._known.clear()
            known = self._known[message.topic] = self._about(message.topic)
        topic, address, decoder = known
        receipt = Receipt(link, message.mid) if message.qos else None
        return Chunk(
            self.name, message.payload, clock.now(), topic, address, decoder, whole=True, retained=message.retain,
            receipt=receipt,
        )  # fmt: skip

    def _about(self, name: bytes) -> tuple[str, tuple[str, ...], str | None]:
        """Return a topic in words, the levels it was matched by, and the decoder of what comes on it."""
        try:
            topic = name.decode()
        except UnicodeDecodeError:  # the standard forbids it; still its bytes are told, and acknowledged
            topic = ""
        for each, decoder in self.topics:
            matched = match(each, topic)
            if matched is not None:
                return topic, matched, decoder
        return topic, (), None

    def _tend(self) -> None:
        while not self.closed.wait(self.broker.keepalive_s / 8 or 1):
            link = self._link
            if link is not None:
                with contextlib.suppress(Exception):  # a loss is told by the source's own thread
                    link.tend()


def check_filter(topic_filter: str) -> str:
    """Return the filter if it is one; ValueError says why not."""
    levels = topic_filter.split("/")
    if not topic_filter or "\0" in topic_filter or len(topic_filter.encode()) > 65535:
        raise ValueError(f"topic filter {topic_filter!r}: empty, too long or with a NUL")
    if any("+" in level and level != "+" for level in levels):
        raise ValueError(f"topic filter {topic_filter!r}: + stands for a whole level")
    if any("#" in level for level in levels[:-1]) or ("#" in levels[-1] and levels[-1] != "#"):
        raise ValueError(f"topic filter {topic_filter!r}: # stands for whole levels, at the end")
    return topic_filter


def match(topic_filter: str, topic: str) -> tuple[str, ...] | None:
    """Return the levels ``+`` stood for, or None where the topic is not one of the filter's."""
    wanted, levels = topic_filter.split("/"), topic.split("/")
    if wanted[0] == "$share":
        wanted = wanted[2:]
    if wanted[-1] == "#":
        wanted, levels = wanted[:-1], levels[: len(wanted) - 1]
    if len(wanted) != len(levels) or any(w not in ("+", level) for w, level in zip(wanted, levels, strict=True)):
        return None
    return tuple(level for w, level in zip(wanted, levels, strict=True) if w == "+")
