"""Fixtures of the whole suite: real servers (see ``tests.servers``), each private to its test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings

from tests.servers import Mosquitto, Port

settings.register_profile("here", deadline=None)  # a busy machine is no fault of the code
settings.load_profile("here")


@pytest.fixture
def start_mosquitto(tmp_path: Path) -> Iterator[Callable[..., Mosquitto]]:
    """Start brokers with the configuration given; they stop with the test."""
    with ExitStack() as stack:
        started: list[Mosquitto] = []

        def start(config: str = "allow_anonymous true\n", listener: str = "") -> Mosquitto:
            broker = Mosquitto(tmp_path / f"broker{len(started)}", config, listener)
            started.append(stack.enter_context(broker))
            return broker

        yield start


@pytest.fixture
def mosquitto(start_mosquitto: Callable[..., Mosquitto]) -> Mosquitto:
    """Give a broker open to all, with a queue as long as needed."""
    return start_mosquitto("allow_anonymous true\nmax_queued_messages 100000\n")


@pytest.fixture
def serial_port(tmp_path: Path) -> Iterator[Port]:
    """Give a serial port with nothing plugged in but the cable."""
    with Port(tmp_path) as port:
        yield port
