"""PostgreSQL as it is in life: restarted, killed in the middle of a commit, cancelled, its connection cut."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pytest

from geofence.model import EVER, DeviceId, Fix, Fixes, Micros
from tests.geofence.walks import town, walk
from tests.servers import Mosquitto, Postgres, publish, until
from tests.trackerd.test_daemon import Installation, Listener, recently, visit
from trackerd.house import House
from trackerd.intake import Intake, Taken
from trackerd.pipeline import empty, record
from trackerd.store import Batch, MemoryStore, Store, StoreError, open_store
from trackerd.store.postgres import PostgresStore, prepare
from trackerd.town import Town

FULL = os.environ.get("TRACKERD_FAULTS") == "full"
HERE = Town(town())
log = logging.getLogger(__name__)
W1 = DeviceId("w1")


@pytest.fixture
def server() -> Iterator[Postgres]:
    """Give a server that keeps what it committed."""
    with closing(Postgres(safe=True)) as made:
        prepare(made.start().url)
        yield made


def house(store: Store) -> House:
    return House(Intake({}, HERE), store, HERE, "/trackerd/test", routes=["mqtt"])


def take(made: House, fixes: list[Fix]) -> None:
    taken = Taken(Fixes.of(fixes), [fix.micros for fix in fixes], [None] * len(fixes)) if fixes else empty()
    record(made, taken, Micros(fixes[-1].micros) if fixes else None)


def carry(made: House, fixes: list[Fix]) -> int:
    """Take them as the daemon does: after a StoreError from the record again; return how often."""
    for tries in range(3000):
        try:
            if tries:
                made.wake()
            take(made, fixes)
            return tries
        except StoreError as error:
            log.info("%s", error)
            threading.Event().wait(0.02)
    raise AssertionError("the store never came back")


def whole(store: Store) -> list[Any]:
    letters = [letter.event.id for letter in store.untold("mqtt", 0, 10**6)]
    assert len(letters) == len(set(letters))
    return [
        [fix for piece in store.fixes(W1, 0) for fix in piece], list(store.visits(0, 2**62)),
        store.standing(W1, EVER), store.tracks(), sorted(letters), store.tally(),
    ]  # fmt: skip


def sessions(url: str, what: str) -> None:
    """Do something to the store's sessions, as an administrator may."""
    with psycopg.connect(url, application_name="admin") as admin:
        admin.execute(f"SELECT {what}(pid) FROM pg_stat_activity WHERE application_name = 'trackerd'".encode())


def test_every_loss_between_two_turns_is_told_and_got_over(server: Postgres) -> None:
    fixes = walk("w1", 3, minutes=20)

    def kill() -> None:
        server.kill9()
        server.start()

    losses: list[Callable[[], None]] = [server.restart, kill, lambda: sessions(server.url, "pg_terminate_backend")]
    straight, made = house(MemoryStore()), house(open_store(server.url))
    for a in range(0, len(fixes), 40):
        take(straight, fixes[a : a + 40])
        losses[a // 40 % 3]()
        assert carry(made, fixes[a : a + 40]) > 0, "the loss was told"
    assert whole(made.store) == whole(straight.store)
    made.store.close()


def test_a_new_session_commits_nothing_before_the_record_was_read(server: Postgres) -> None:
    store = open_store(server.url)
    store.commit(Batch(Fixes.of(walk("w1", 1, minutes=1))))
    sessions(server.url, "pg_terminate_backend")
    with pytest.raises(StoreError, match=r"ended|end our connection|does not answer"):
        store.devices()
    assert store.devices() == ["w1"], "looking is harmless"
    with pytest.raises(StoreError, match="begin again from the record"):
        store.commit(Batch(Fixes.of(walk("w2", 1, minutes=1))))
    store.tracks()
    assert store.commit(Batch(Fixes.of(walk("w2", 1, minutes=1)))).fixes == 12
    store.close()


@pytest.mark.parametrize("deed", ["pg_terminate_backend", "kill9"])
def test_whatever_happens_in_the_middle_of_a_turn_the_record_ends_the_same(server: Postgres, deed: str) -> None:
    fixes = walk("w1", 9, minutes=60)
    rng = np.random.default_rng(5)
    straight, made = house(MemoryStore()), house(open_store(server.url))

    def disturb(after_s: float) -> None:
        threading.Event().wait(after_s)
        if deed == "kill9":
            server.kill9()
            server.start()
        else:
            sessions(server.url, deed)

    failed = 0
    order = [*range(500), *range(520, 600), *range(500, 520), *range(600, len(fixes))]  # some come late
    each, often = (7, 1) if FULL else (24, 3)
    for number, a in enumerate(range(0, len(order), each)):
        some = [fixes[n] for n in order[a : a + each]]
        take(straight, some)
        at = threading.Thread(target=disturb, args=(float(rng.uniform(0, 0.03)),))  # before, in or after the commit
        if number % often == 0:
            at.start()
        failed += carry(made, some)
        if number % often == 0:
            at.join()
    assert failed >= 9, "ten times, of which the last may be noticed later"
    carry(made, [])
    take(straight, [])
    theirs, ours = whole(made.store), whole(straight.store)
    assert theirs[:2] == ours[:2]
    assert [one.event for one in theirs[2]] == [one.event for one in ours[2]]
    assert theirs[3:] == ours[3:]
    made.store.close()


def test_a_session_left_in_the_middle_of_a_pipeline_is_given_up(postgres: str) -> None:
    prepare(postgres)
    made = house(open_store(postgres))
    assert isinstance(made.store, PostgresStore)
    with pytest.raises(StoreError), made.store.transaction() as db:
        _break_off(db)
    assert carry(made, walk("w1", 3, minutes=5)) == 1, "another session, and the record read again"
    assert made.store.tally().fixes == 60
    made.store.close()


def _break_off(db: Any) -> None:
    """Leave the session as a server that dies while many rows are being sent does."""
    db.connection.pgconn.enter_pipeline_mode()
    db.connection.pgconn.send_query_params(b"SELECT 1", None)
    raise psycopg.OperationalError("sending query failed")


def test_a_statement_that_was_cancelled_is_told_and_the_turn_taken_again(postgres: str) -> None:
    prepare(postgres)
    fixes = walk("w1", 3, minutes=5)
    made = house(open_store(postgres))
    with psycopg.connect(postgres) as other:
        other.execute("LOCK TABLE quarantine, fix IN EXCLUSIVE MODE")
        thread = threading.Thread(target=_cancel_what_waits, args=(postgres,))
        thread.start()
        with pytest.raises(StoreError, match="was cancelled by somebody"):
            take(made, fixes)
        thread.join()
    assert carry(made, []) == 0, "the session is still good"
    made.wake()
    take(made, fixes)
    assert made.store.tally().fixes == len(fixes)
    made.store.close()


def _cancel_what_waits(url: str) -> None:
    waiting = "SELECT pid FROM pg_stat_activity WHERE application_name = 'trackerd' AND wait_event_type = 'Lock'"
    with psycopg.connect(url, autocommit=True) as admin:
        until(lambda: admin.execute(waiting.encode()).fetchone(), "it waits")
        admin.execute(f"SELECT pg_cancel_backend(pid) FROM ({waiting}) AS w".encode())


def test_one_daemon_writes_and_others_may_look(postgres: str) -> None:
    prepare(postgres)
    store = open_store(postgres)
    with pytest.raises(StoreError, match="another trackerd is writing"):
        open_store(postgres)
    looking = open_store(postgres, reading=True)
    beside = open_store(postgres, beside=True)
    assert looking.devices() == []
    assert beside.revive() == 0
    with pytest.raises(StoreError, match="no writing"):
        looking.commit(Batch(Fixes.of(walk("w1", 1, minutes=1))))
    for one in (looking, beside, store):
        one.close()
    open_store(postgres).close()


def test_what_a_lost_session_was_about_is_over_before_the_record_is_read(postgres: str) -> None:
    prepare(postgres)
    store = open_store(postgres)
    assert isinstance(store, PostgresStore)
    link = store._link
    lost = link.session()
    lost.connection.execute("BEGIN")
    lost.connection.execute("INSERT INTO name (name) VALUES ('half')")  # and now its line is cut, it does not know
    link._session = None
    store.tracks()
    with pytest.raises(psycopg.OperationalError):
        lost.connection.execute("COMMIT")
    lost.connection.close()
    store.commit(Batch(Fixes.of(walk("half", 1, minutes=1))))
    assert store.devices() == ["half"]
    store.close()


def test_what_the_server_cannot_keep_is_no_absence_of_it(postgres: str) -> None:
    prepare(postgres)
    store = open_store(postgres)
    poison = [replace(fix, device=DeviceId("nul\0")) for fix in walk("w1", 1, minutes=1)]
    with pytest.raises(ValueError, match="cannot keep this"):
        store.commit(Batch(Fixes.of(poison)))
    assert store.commit(Batch(Fixes.of(walk("w1", 1, minutes=1)))).fixes == 12
    store.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://nobody@127.0.0.1:1/none", "does not answer: start it"),
        ("postgresql://trackerd@127.0.0.1:{port}/none", "no such database|does not exist"),
        ("postgresql://%zz", "not understood"),
        ("postgresql://trackerd:secret@127.0.0.1:1/none", "does not answer"),
    ],
)
def test_what_cannot_be_opened_is_told_and_no_secret_with_it(postgres_server: str, url: str, words: str) -> None:
    port = psycopg.conninfo.conninfo_to_dict(postgres_server)["port"]
    with pytest.raises(StoreError, match=words) as told:
        open_store(url.format(port=port))
    assert "secret" not in str(told.value)


def test_the_daemon_outlives_its_server(tmp_path: Path, mosquitto: Mosquitto, server: Postgres) -> None:
    rest = f'[privacy]\nrequire_duty = false\n[store]\nurl = "{server.url}"\n'
    site = Installation(tmp_path, mosquitto.port, rest=rest)
    listener = Listener(mosquitto.port)
    first, later, last = visit(recently(60)), visit(recently(30)), visit(recently(15))

    def kept() -> int:
        try:
            with psycopg.connect(server.url) as db:
                return int((db.execute("SELECT count(*) FROM fix").fetchone() or [0])[0])
        except psycopg.OperationalError:
            return -1

    def reached(what: Callable[[], int], number: int) -> bool:
        return what() >= number

    def away() -> int:
        return site.said.count("nothing is acknowledged until it is back")

    with site.daemon() as daemon:
        publish(mosquitto.port, "owntracks/w07/phone", *first)
        until(lambda: kept() == len(first), lambda: site.said, 20)
        sent = len(first)
        for deed in (server.kill9, server.stop):
            losses = away()
            deed()
            some, later = later[: len(later) // 2], later[len(later) // 2 :]
            publish(mosquitto.port, "owntracks/w07/phone", *some)
            until(partial(reached, away, losses + 1), lambda: site.said, 20)
            server.start()
            sent += len(some)
            until(partial(reached, kept, sent), lambda: site.said, 30)
        with server.frozen():
            publish(mosquitto.port, "owntracks/w07/phone", *last)
            time.sleep(20 if FULL else 3)
        until(partial(reached, kept, sent + len(last)), lambda: site.said, 30)
        assert daemon.poll() is None
        until(lambda: len(listener.events("zone.")) >= 3, lambda: site.said, 20)
    ids = [event["id"] for event in listener.events()]
    with psycopg.connect(server.url) as db:
        stored = {id_ for (id_,) in db.execute("SELECT id FROM event")}
    assert set(ids) <= stored
    listener.client.loop_stop()
