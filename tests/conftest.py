"""Fixtures of the whole suite: real servers (see ``tests.servers``), each private to its test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from itertools import count
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings

from tests.servers import Mosquitto, Port, Postgres

# No deadline: a busy machine is no fault of the code. The laws at full count are part of ``make faults``.
settings.register_profile("here", deadline=None, max_examples=40)
settings.register_profile("full", deadline=None, max_examples=1000)
settings.load_profile("full" if os.environ.get("TRACKERD_FAULTS") == "full" else "here")


def pytest_configure() -> None:
    """Refuse to test modules that were compiled of other sources than those beside them."""
    root = Path(__file__).parents[1]
    for made in [*root.glob("geofence/*.so"), *root.glob("devices/*.so"), *root.glob("trackerd/*.so")]:
        source = made.with_name(f"{made.name.split('.')[0]}.py")
        if not source.exists() or source.stat().st_mtime > made.stat().st_mtime:
            pytest.exit(f"{source.name} changed since it was compiled: make test, or rm {made}", returncode=4)


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


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """Give the URL of a PostgreSQL: TRACKERD_TEST_DSN, else one started for the whole run, which forgets in a crash."""
    if named := os.environ.get("TRACKERD_TEST_DSN"):
        yield named
        return
    with closing(Postgres("synchronous_commit=off")) as server:
        yield server.start().url


_schemas = count()


@pytest.fixture
def postgres(postgres_server: str) -> Iterator[str]:
    """Give the URL of a schema of its own, with nothing in it."""
    schema = f"trackerd_test_{os.getpid()}_{next(_schemas)}"
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute(f"CREATE SCHEMA {schema}".encode())
        joint = "&" if "?" in postgres_server else "?"
        yield f"{postgres_server}{joint}options=-csearch_path%3D{schema},public"
        admin.execute("SET client_min_messages = warning")
        for _ in range(20):
            with suppress(psycopg.errors.DeadlockDetected):  # TimescaleDB's jobs are at the tables too
                admin.execute(f"DROP SCHEMA {schema} CASCADE".encode())
                break
