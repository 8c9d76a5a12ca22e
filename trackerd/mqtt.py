"""How this daemon speaks MQTT: which broker, who we are there, and a paho client made so.

What must stay true here: MQTT 5 with callback API version 2; the password comes from a file and is in no message;
the broker's certificate is verified whenever TLS is on.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from trackerd.mqtt_stream import Stream

PACKET_LIMIT = 64 * 1024
"""Bytes: longer packets the broker keeps to itself (MQTT 5, MaximumPacketSize)."""

CONNECT_TIMEOUT_S = 5.0
"""How long a connection attempt may take before it is given up, and so how long a close can wait for it."""


class BrokerFault(Exception):  # noqa: N818 (the field's word: a fault in the configuration)
    """What was configured for the broker cannot be used; the text says which file and why."""


@dataclass(frozen=True, slots=True)
class Broker:
    """A broker, and who we are there."""

    host: str = "localhost"
    port: int = 1883
    client_id: str = "trackerd"
    username: str | None = None
    password_file: Path | None = None
    tls: bool = False
    ca_file: Path | None = None
    """The authority that signed the broker's certificate; None: those the system trusts."""
    cert_file: Path | None = None
    """Our own certificate, where the broker asks for one."""
    key_file: Path | None = None
    keepalive_s: int = 60

    def __post_init__(self) -> None:
        """Refuse what would leave a vanished broker unnoticed."""
        if not 1 <= self.keepalive_s <= 65535:
            raise ValueError("keepalive_s must be 1 to 65535")


class Client(paho.Client):
    """A paho client over a ``Stream``, whose messages are not its business."""

    def _create_socket(self) -> Any:
        return Stream(super()._create_socket())  # type: ignore[arg-type]


def make_client(
    broker: Broker,
    *,
    manual_ack: bool = False,
    session_s: int = 0,
    receive_maximum: int | None = None,
    in_flight: int = 20,
    streamed: bool = False,
) -> paho.Client:
    """Make a client that knows where to connect: ``reconnect()`` or ``loop_start()`` does it.

    With ``session_s`` the broker keeps subscriptions and undelivered messages that long after a loss. ``in_flight``:
    how many of our own messages may be on their way at once. ``streamed``: its socket is a ``Stream``, to be driven.
    Raise ``BrokerFault`` where a file is missing or unusable.
    """
    make = Client if streamed else paho.Client
    client = make(
        CallbackAPIVersion.VERSION2,
        client_id=broker.client_id,
        protocol=MQTTProtocolVersion.MQTTv5,
        manual_ack=manual_ack,
    )
    client.max_inflight_messages_set(in_flight)
    client.connect_timeout = CONNECT_TIMEOUT_S
    if broker.username is not None:
        client.username_pw_set(broker.username, _password(broker.password_file))
    if broker.tls:
        client.tls_set_context(tls_context(broker))
    wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    wishes.SessionExpiryInterval = session_s
    wishes.MaximumPacketSize = PACKET_LIMIT
    if receive_maximum is not None:
        wishes.ReceiveMaximum = receive_maximum
    client.connect_async(broker.host, broker.port, broker.keepalive_s, clean_start=session_s == 0, properties=wishes)
    return client


def _password(file: Path | None) -> str | None:
    """Read it; the line's end that editors add is not part of it."""
    if file is None:
        return None
    try:
        password = file.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as fault:
        raise BrokerFault(f"password_file {file}: {_why(fault)}") from fault
    if not password:
        raise BrokerFault(f"password_file {file}: is empty")
    return password


def tls_context(broker: Broker) -> ssl.SSLContext:
    """Return how a broker's certificate is checked and ours is shown. Raises BrokerFault."""
    try:
        context = ssl.create_default_context(cafile=broker.ca_file)
    except (OSError, ssl.SSLError) as fault:
        raise BrokerFault(f"ca_file {broker.ca_file}: {_why(fault)}") from fault
    if broker.cert_file is not None:
        try:
            context.load_cert_chain(broker.cert_file, broker.key_file)
        except (OSError, ssl.SSLError) as fault:
            raise BrokerFault(f"cert_file {broker.cert_file}, key_file {broker.key_file}: {_why(fault)}") from fault
    return context


def _why(fault: Exception) -> str:
    if isinstance(fault, ssl.SSLError):
        return "not a certificate or key in PEM form"
    if isinstance(fault, UnicodeDecodeError):
        return "not UTF-8 text"
    return (getattr(fault, "strerror", None) or str(fault)).lower()
