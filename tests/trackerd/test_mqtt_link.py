"""One connection to a broker that answers at its own pace, or not: what mosquitto cannot be made to do."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from trackerd.mqtt import Broker
from trackerd.mqtt_stream import Arrived
from trackerd.sources.mqtt_link import Link
from trackerd.sources.standing import Wake

TAKEN = b"\x20\x03\x01\x00\x00"
"""CONNACK: here is your session."""
HELD = b"\x32\x09\x00\x03a/b\x00\x07\x00x"
"""PUBLISH with QoS 1: x, number 7."""


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.settimeout(5)
        yield server


@pytest.fixture
def link(listening: socket.socket) -> Iterator[Link]:
    made = Link(Broker("127.0.0.1", listening.getsockname()[1]), ["a/+"], Wake())
    made.open()
    yield made
    made.end()


def greeted(listening: socket.socket, link: Link) -> socket.socket:
    """Return the broker's end of the connection, our greeting read."""
    broker, _ = listening.accept()
    broker.settimeout(5)
    link.step(0.01)
    assert broker.recv(1000)[0] == 0x10
    return broker


def taken(link: Link) -> Arrived:
    return next(message for _ in range(50) if (message := link.step(0.1)) is not None)


def test_filters_leave_when_we_are_taken_not_when_what_was_held_is(listening: socket.socket, link: Link) -> None:
    with greeted(listening, link) as broker:
        broker.sendall(TAKEN + HELD)
        assert taken(link).payload == b"x"
        assert broker.recv(1000)[0] == 0x82, "though nobody has asked for another message"


@pytest.mark.parametrize(("answer", "said"), [(b"", "our greeting"), (TAKEN, "our subscriptions")])
def test_an_answer_that_never_comes_is_told(
    listening: socket.socket, link: Link, answer: bytes, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trackerd.sources.mqtt_link.ANSWER_S", 0.2)
    with greeted(listening, link) as broker:
        broker.sendall(answer)
        for _ in range(100):
            link.step(0.1)
            if link.lost:
                break
        assert f"no answer to {said}" in link.lost
