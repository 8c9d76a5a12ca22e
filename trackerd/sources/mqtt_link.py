"""One connection to a broker, from CONNECT to its loss, driven by whoever calls ``step``; no thread of its own.

What must stay true here: a message is acknowledged only through its receipt, and only on the connection it came by;
whatever a publisher sends comes out as a message; between two steps nothing is read, so a slow consumer holds the
broker back, while ``tend`` keeps the connection and sends acknowledgements for as long as that lasts.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any, cast

from paho.mqtt.client import ConnectFlags, DisconnectFlags
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from trackerd import clock
from trackerd.mqtt import Broker, make_client
from trackerd.mqtt_stream import Arrived, Stream, acknowledgement
from trackerd.sources.standing import Wake

SESSION_S = 14 * 24 * 3600
"""How long the broker keeps messages for us while we are away."""
RECEIVE_MAXIMUM = 2000
"""Messages the broker may have open towards us; no bound on memory (the broker forgets it on resume), only a wish."""
ANSWER_S = 10.0
"""So long the broker has for its answers to our greeting, and to our subscriptions once it says nothing else."""
PARTED = "closed by us"
NEVER_SUBSCRIBED = "trackerd/nothing"


class Receipt:
    """Acknowledges one message, once, if its connection is still the one it came by."""

    __slots__ = ("_link", "_mid")

    def __init__(self, link: Link, mid: int) -> None:
        self._link: Link | None = link
        self._mid = mid

    def __call__(self) -> None:
        """Queue the acknowledgement; safe from any thread."""
        link, self._link = self._link, None  # a second call could acknowledge a later message of the same id
        if link is not None:
            link.acknowledge(self._mid)


class Link:
    """One connection."""

    def __init__(self, broker: Broker, filters: Sequence[str], wake: Wake) -> None:
        self.filters = filters
        self.wake = wake
        self.client = make_client(broker, session_s=SESSION_S, receive_maximum=RECEIVE_MAXIMUM, streamed=True)
        self.session_present: bool | None = None
        """What the broker said when it took us; None until it has."""
        self.granted: list[ReasonCode] | None = None
        """Its answer to each subscription; None until it came."""
        self.lost = ""
        """Why the connection is no more, in words; empty while it stands."""
        self._arrived: deque[Arrived] = deque()
        self._receipts: deque[int] = deque()
        self._lock = threading.Lock()  # around every use of the client: step and tend are of different threads
        self._began = self._heard = self._spoke = self._rested = clock.monotonic()
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = self._on_subscribe
        self.client.on_disconnect = self._on_disconnect

    def open(self) -> None:
        """Connect and say who we are; OSError where nobody answers."""
        self.client.reconnect()
        if (stream := self._stream) is not None:
            # A broker that vanished without a word is noticed by the kernel when it leaves our bytes unanswered.
            with contextlib.suppress(OSError):
                stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000)
        self._began = self._heard = self._spoke = self._rested = clock.monotonic()

    def step(self, wait_s: float) -> Arrived | None:
        """Do what is due, waiting so long at most; return a message if one came. Look at ``lost`` after."""
        if self._arrived:
            return self._arrived.popleft()
        with self._lock:
            self._send()
            if self._wait(wait_s) and not self.lost:
                self._heard = clock.monotonic()
                self._read()
                self._send()  # our filters, where it has just taken us: what it held for us may keep the taker long
            elif not self.lost:
                self._rest()
        return self._arrived.popleft() if self._arrived else None

    def tend(self) -> None:
        """Keep the connection while nobody takes messages: send what receipts are due, and a sign of life."""
        with self._lock:
            if self.lost or self.session_present is None:  # once taken we may wait long for our filters to be granted
                return
            now = clock.monotonic()
            if now - max(self._spoke, self._rested) >= self.client.keepalive / 4:
                # Not a PINGREQ: paho would hang up for want of the answer, which waits behind messages not yet read.
                self.client.unsubscribe(NEVER_SUBSCRIBED)
                self._spoke = now
            self._send()

    def acknowledge(self, mid: int) -> None:
        """Queue an acknowledgement; any thread may. What comes after the loss goes nowhere, as it should."""
        if not self.lost:
            self._receipts.append(mid)
            self.wake.ring()

    def end(self) -> None:
        """Send the last receipts and part in good order."""
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._send()
            if not self.lost:
                self.lost = PARTED  # before paho calls back about it
                self.client.disconnect()
            sock = self.client.socket()
            if sock is not None:  # what could not be sent at once is not waited for
                sock.close()

    @property
    def _stream(self) -> Stream | None:
        return cast("Stream | None", self.client.socket())

    def _read(self) -> None:
        """Take what has come: messages, and between them what is for paho."""
        stream = self._stream
        try:
            if stream is None or not stream.fill():
                return
            self._arrived += stream.take()
            while not self.lost and stream.lend():
                self.client.loop_read()
                self._arrived += stream.take()
        except (OSError, ValueError, IndexError) as fault:
            self._give_up(f"connection lost: {fault}")

    def _send(self) -> None:
        """Send the acknowledgements that are due, and whatever else waits, in one go."""
        stream = self._stream
        if stream is None or self.lost:
            return
        if self._receipts:
            self._spoke = clock.monotonic()
            stream.send(b"".join([acknowledgement(self._receipts.popleft()) for _ in range(len(self._receipts))]))
        try:
            if self.client.want_write():
                self.client.loop_write()
            stream.flush()
        except OSError as fault:
            self._give_up(f"connection lost: {fault.strerror or fault}")

    def _wait(self, wait_s: float) -> bool:
        """Wait for the broker or the bell; True when there is something to read."""
        stream = self._stream
        if stream is None or self.lost:  # seen by the sending, ours or tend's
            self.lost = self.lost or "connection lost"
            return False
        if stream.pending():
            return True
        poll = select.poll()
        poll.register(stream.fileno(), select.POLLIN | (select.POLLOUT if stream.unsent else 0))
        poll.register(self.wake.fileno(), select.POLLIN)
        ready = dict(poll.poll(wait_s * 1000))
        if self.wake.fileno() in ready:
            self.wake.clear()
        self._send()
        return bool(ready.get(stream.fileno(), 0) & ~select.POLLOUT)

    def _rest(self) -> None:
        """Nothing waits to be read: only now do pings and their time limits mean something."""
        self._rested = now = clock.monotonic()
        self.client.loop_misc()
        self._send()
        if self.session_present is None and now - self._began > ANSWER_S:
            self._give_up(f"no answer to our greeting within {ANSWER_S:.0f} s; is this an MQTT 5 broker?")
        elif self.granted is None and now - self._heard > ANSWER_S:
            self._give_up(f"no answer to our subscriptions within {ANSWER_S:.0f} s; see the broker's log")
        elif now - self._heard > 1.5 * self.client.keepalive + 1:
            self._give_up("the broker fell silent")

    def _give_up(self, why: str) -> None:
        self.lost = self.lost or why
        sock = self.client.socket()
        if sock is not None:
            sock.close()

    def _on_connect(
        self, _client: Any, _data: Any, flags: ConnectFlags, reason: ReasonCode, _said: Properties | None
    ) -> None:
        if reason.is_failure:
            self.lost = f"refused by the broker: {reason}"
            return
        self.session_present = flags.session_present
        # Subscribed anew each time: it changes nothing where the session stands, and mends it where it does not.
        # retainHandling 1: retained messages come with a new subscription only, not with each connect.
        options = SubscribeOptions(qos=1, retainHandling=SubscribeOptions.RETAIN_SEND_IF_NEW_SUB)
        self.client.subscribe([(each, options) for each in self.filters])

    def _on_subscribe(
        self, _client: Any, _data: Any, _mid: int, reasons: list[ReasonCode], _said: Properties | None
    ) -> None:
        self.granted = reasons

    def _on_disconnect(
        self, _client: Any, _data: Any, flags: DisconnectFlags, reason: ReasonCode, _said: Properties | None
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            self.lost = self.lost or f"sent away by the broker: {reason}"
        self.lost = self.lost or f"connection lost: {reason}"
