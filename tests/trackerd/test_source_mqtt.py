"""MqttSource against a real mosquitto: nothing acknowledged is lost, nothing a peer does stops it."""

from __future__ import annotations

import os
import signal
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.servers import KEPT, Mosquitto, Taking, free_port, publish, until
from trackerd.mqtt import Broker
from trackerd.sources.backoff import Backoff
from trackerd.sources.mqtt import MqttSource, check_filter, match

TOPIC = "owntracks/w07/phone"
Start = Callable[..., Mosquitto]

LATE_ROUNDS = 100 if os.environ.get("TRACKERD_FAULTS") == "full" else 4


def source(port: int, *, topics: Any = (("owntracks/+/+", "owntracks"),), **broker: Any) -> MqttSource:
    session = broker.pop("session_expected", False)
    where = Broker("127.0.0.1", port, **broker)
    return MqttSource("phones", where, topics, session_expected=session, backoff=Backoff(0.05, 0.2))


def subscribed(port: int) -> None:
    """Leave a session behind, as an earlier run would."""
    with Taking(source(port)) as taking:
        taking.connected()


def parted(broker: Mosquitto, times: int = 1) -> None:
    """Wait until the broker has read all that was acknowledged before so many partings.

    It reads one packet a turn, and lets who comes anew with the same id overtake what is still unread.
    """
    until(lambda: broker.log.read_text().count("Client trackerd disconnected") >= times, "the broker has read it")


def numbers(first: int, after: int) -> list[bytes]:
    return [b"%d" % number for number in range(first, after)]


def test_message_becomes_chunk(mosquitto: Mosquitto) -> None:
    topics = [("owntracks/+/+", "owntracks"), ("trackerd/in/+/nmea", "nmea")]
    with Taking(source(mosquitto.port, topics=topics)) as taking:
        taking.connected()
        publish(mosquitto.port, TOPIC, b"\xff\x00{")
        publish(mosquitto.port, "trackerd/in/w08/nmea", b"$GP")
        taking.count(2)
    first, second = taking.chunks
    assert (first.source, first.data, first.stream) == ("phones", b"\xff\x00{", TOPIC)
    assert (first.address, first.decoder, first.whole) == (("w07", "phone"), "owntracks", True)
    assert not first.retained
    assert first.received.utcoffset() is not None
    assert (second.address, second.decoder) == (("w08",), "nmea")
    assert taking.source.status.detail == "closed"


def test_redelivered_until_its_receipt(mosquitto: Mosquitto) -> None:
    with Taking(source(mosquitto.port), acknowledge=False) as taking:
        taking.connected()
        publish(mosquitto.port, TOPIC, *numbers(0, 10))
        taking.count(10)
        for chunk in taking.chunks[:4]:
            assert chunk.receipt is not None
            chunk.receipt()
    parted(mosquitto)
    with Taking(source(mosquitto.port)) as again:
        again.count(6)
        again.connected()  # what was held comes before the answer to our subscriptions
        assert "session resumed" in again.source.status.detail
    assert again.payloads == numbers(4, 10)
    parted(mosquitto, 2)
    with Taking(source(mosquitto.port)) as nothing:
        nothing.connected()
        time.sleep(0.3)
    assert nothing.chunks == []


def test_receipts_given_just_before_close_are_sent(mosquitto: Mosquitto) -> None:
    with Taking(source(mosquitto.port), acknowledge=False) as taking:
        taking.connected()
        publish(mosquitto.port, TOPIC, *numbers(0, 20))
        taking.count(20)
        for chunk in taking.chunks:
            assert chunk.receipt is not None
            chunk.receipt()
    parted(mosquitto)
    with Taking(source(mosquitto.port)) as again:
        again.connected()
        time.sleep(0.3)
    assert again.chunks == []


def throw_out(port: int) -> None:
    """Take the source's place for a moment, ending its session at the broker."""
    other = paho.Client(
        CallbackAPIVersion.VERSION2,
        "trackerd",
        protocol=MQTTProtocolVersion.MQTTv5,
        reconnect_on_failure=False,
    )

    def leave(*_: Any) -> None:
        other.disconnect()

    other.on_connect = leave
    other.connect("127.0.0.1", port, clean_start=True)
    other.loop_forever()


def test_late_receipts_acknowledge_nothing_else(start_mosquitto: Start) -> None:
    """After a lost session packet ids begin anew: a late acknowledgement would confirm another's message."""
    broker = start_mosquitto(f"allow_anonymous true\n{KEPT}")
    mine = source(broker.port)
    with Taking(mine, acknowledge=False) as taking:
        for each in range(LATE_ROUNDS):
            taking.connected()
            publish(broker.port, TOPIC, b"old %d" % each)
            taking.has(b"old %d" % each)
            late = taking.chunks[-1].receipt
            assert late is not None
            throw_out(broker.port)
            taking.until(lambda: mine.sessions_lost, "session lost")
            mine.sessions_lost = 0
            taking.connected()
            new = b"new %d" % each
            publish(broker.port, TOPIC, new)
            taking.has(new)
            late()
            late()
            time.sleep(0.05)
            broker.restart()
            # The broker must have it still.
            taking.count(3 * each + 3)
            assert taking.chunks[-1].data == new
            receipt = taking.chunks[-1].receipt
            assert receipt is not None
            receipt()


def test_late_receipt_over_reconnect_loses_nothing(start_mosquitto: Start) -> None:
    """Same packet ids, session kept: what was not acknowledged on this connection comes again."""
    broker = start_mosquitto(f"allow_anonymous true\n{KEPT}")
    mine = source(broker.port)
    with Taking(mine, acknowledge=False) as taking:
        taking.connected()
        publish(broker.port, TOPIC, *numbers(0, 5))
        taking.count(5)
        late = [chunk.receipt for chunk in taking.chunks]
        for _ in range(LATE_ROUNDS):
            count = len(taking.chunks)
            broker.stop()  # not killed: mosquitto 2.0 saves messages in flight only when it ends in order
            taking.until(lambda: not mine.status.connected, "loss noticed")
            for receipt in late:
                assert receipt is not None
                receipt()
            broker.start()
            taking.count(count + 5)
            assert taking.payloads[count:] == numbers(0, 5)
            late = [chunk.receipt for chunk in taking.chunks[count:]]
    assert mine.sessions_lost == 0


def test_broker_restart_resubscribes(start_mosquitto: Start) -> None:
    broker = start_mosquitto(f"allow_anonymous true\n{KEPT}")
    mine = source(broker.port)
    with Taking(mine) as taking:
        for each in range(4):
            taking.connected()
            publish(broker.port, TOPIC, b"%d" % each)
            taking.count(each + 1)
            (broker.stop if each % 2 else broker.kill9)()
            broker.start()
            taking.until(lambda: not mine.status.connected or "resumed" in mine.status.detail, "noticed")
            taking.until(lambda: mine.status.connected and "resumed" in mine.status.detail, "resumed")
    assert taking.payloads == numbers(0, 4)
    assert mine.sessions_lost == 0


def test_lost_session_is_counted_and_said(start_mosquitto: Start) -> None:
    broker = start_mosquitto("allow_anonymous true\npersistence false\n")
    mine = source(broker.port)
    with Taking(mine) as taking:
        taking.connected()
        assert mine.sessions_lost == 0
        broker.kill9()
        taking.until(lambda: not mine.status.connected, "loss noticed")
        broker.start()
        taking.connected()
        assert mine.sessions_lost == 1
        assert "sessions lost: 1" in mine.status.detail
        publish(broker.port, TOPIC, b"after")
        taking.count(1)
    expecting = source(broker.port, client_id="another", session_expected=True)
    with Taking(expecting) as taking:
        taking.connected()
    assert expecting.sessions_lost == 1


def test_broker_absent_at_start_then_there(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "broker") as broker:
        broker.stop()
        mine = source(broker.port)
        with Taking(mine) as taking:
            taking.until(lambda: "cannot reach the broker" in mine.status.detail, "told")
            assert "refused" in mine.status.detail
            broker.start()
            taking.connected()


def test_unknown_host_is_told() -> None:
    mine = MqttSource("phones", Broker("no-such-host.invalid"), backoff=Backoff(0.05, 0.1))
    with Taking(mine) as taking:
        taking.until(lambda: "cannot reach the broker at no-such-host.invalid:1883" in mine.status.detail)


def test_wrong_password_is_told_and_retried(start_mosquitto: Start, tmp_path: Path) -> None:
    passwords = Mosquitto.passwords(tmp_path / "passwords", trackerd="right")
    broker = start_mosquitto(f"allow_anonymous false\npassword_file {passwords}\n")
    secret = tmp_path / "secret"
    secret.write_text("wrong\n")
    mine = source(broker.port, username="trackerd", password_file=secret)
    with Taking(mine) as taking:
        taking.until(lambda: "Not authorized" in mine.status.detail, "refusal told")
        assert "password_file" in mine.status.detail
        secret.unlink()
        taking.until(lambda: str(secret) in mine.status.detail, "missing file told")
        secret.write_text("right\n")
        taking.connected()
        publish(broker.port, TOPIC, b"in", username="trackerd", password="right")
        taking.count(1)


def test_access_list_keeps_topics_away(start_mosquitto: Start, tmp_path: Path) -> None:
    passwords = Mosquitto.passwords(tmp_path / "passwords", trackerd="a", w07="b")
    access = tmp_path / "acl"
    access.write_text("pattern write owntracks/%u/#\nuser trackerd\ntopic read owntracks/#\n")
    broker = start_mosquitto(f"allow_anonymous false\npassword_file {passwords}\nacl_file {access}\n")
    secret = tmp_path / "secret"
    secret.write_text("a")
    with Taking(source(broker.port, username="trackerd", password_file=secret)) as taking:
        taking.connected()
        publish(broker.port, "owntracks/w08/phone", b"another's", username="w07", password="b")
        publish(broker.port, TOPIC, b"own", username="w07", password="b")
        taking.count(1)
        time.sleep(0.1)
    assert taking.payloads == [b"own"]


def test_refused_subscription_is_told(start_mosquitto: Start, tmp_path: Path) -> None:
    plugin = next(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"), None)
    if plugin is None:
        pytest.skip("the broker's dynamic security plugin is not installed")
    rules = tmp_path / "rules.json"
    allow = '"publishClientSend":true,"publishClientReceive":true,"unsubscribe":true'
    role = '{"rolename":"phones","acls":[{"acltype":"subscribePattern","topic":"owntracks/+/+","allow":true}]}'
    rules.write_text(
        f'{{"defaultACLAccess":{{{allow},"subscribe":false}},"roles":[{role}],'
        '"groups":[{"groupname":"all","roles":[{"rolename":"phones"}]}],"anonymousGroup":"all"}'
    )
    broker = start_mosquitto(f"allow_anonymous true\nplugin {plugin}\nplugin_opt_config_file {rules}\n")
    some = source(broker.port, topics=[("owntracks/+/+", "owntracks"), ("secret/+", "nmea")])
    with Taking(some) as taking:
        taking.connected()
        assert "subscription refused: secret/+ (Not authorized)" in some.status.detail
        publish(broker.port, TOPIC, b"in")
        taking.count(1)
    none = source(broker.port, topics=[("secret/+", "nmea")])
    with Taking(none) as taking:
        taking.until(lambda: "subscription refused" in none.status.detail)
        assert not none.status.connected


def test_retained_is_marked_and_comes_once(mosquitto: Mosquitto) -> None:
    publish(mosquitto.port, TOPIC, b"memory", retain=True)
    with Taking(source(mosquitto.port)) as taking:
        taking.count(1)
        assert taking.chunks[0].retained
        publish(mosquitto.port, TOPIC, b"news")
        taking.count(2)
        assert not taking.chunks[1].retained
    parted(mosquitto)
    with Taking(source(mosquitto.port)) as again:
        again.connected()
        time.sleep(0.2)
    assert again.chunks == []


def test_another_with_our_id_is_told(mosquitto: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    mine = source(mosquitto.port)
    with Taking(mine) as taking, caplog.at_level("WARNING"):
        for _ in range(3):
            taking.connected()
            since = mine.status.since
            throw_out(mosquitto.port)
            taking.since(since)
        taking.connected()
        publish(mosquitto.port, TOPIC, b"in")
        taking.count(1)
    assert "another client uses this client_id" in caplog.text


def test_poisonous_properties_are_delivered(mosquitto: Mosquitto) -> None:
    """paho hangs up on U+FEFF in a text property, and the broker would send it again for ever."""
    mine = source(mosquitto.port)
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.UserProperty = ("name", "\ufeffpoison")
    properties.CorrelationData = b"\x00\xff"
    with Taking(mine) as taking:
        taking.connected()
        since = mine.status.since
        publish(mosquitto.port, TOPIC, b"bad", properties=properties)
        publish(mosquitto.port, TOPIC, b"good")
        taking.count(2)
        assert mine.status.since == since, "hung up meanwhile"
    assert taking.payloads == [b"bad", b"good"]
    parted(mosquitto)
    with Taking(source(mosquitto.port)) as again:
        again.connected()
        time.sleep(0.2)
    assert again.chunks == [], "was not acknowledged"


def test_too_large_never_arrives_and_stops_nothing(mosquitto: Mosquitto) -> None:
    with Taking(source(mosquitto.port)) as taking:
        taking.connected()
        publish(mosquitto.port, TOPIC, b"x" * 60_000, b"y" * 70_000, b"after")
        taking.until(lambda: b"after" in taking.payloads)
    assert [len(each) for each in taking.payloads] == [60_000, 5]


def test_keepalive_holds_while_nothing_is_taken(mosquitto: Mosquitto) -> None:
    """The broker throws out who says nothing for 1.5 keepalives; a consumer stalled for longer must not cost that."""
    mine = source(mosquitto.port, keepalive_s=1)
    with Taking(mine, limit=1) as taking:
        taking.connected()
        since = mine.status.since
        publish(mosquitto.port, TOPIC, *numbers(0, 50))
        taking.count(1)
        time.sleep(8)  # mosquitto 2.0 looks for the silent every 5 s only
        taking.go_on.set()
        taking.count(50)
        assert mine.status.since == since
        time.sleep(2.5)  # and when idle
        assert mine.status.since == since
    assert taking.payloads == numbers(0, 50)


def test_keepalive_holds_while_what_was_held_is_not_taken(mosquitto: Mosquitto) -> None:
    """A session taken up again brings its messages first, before the broker says that it granted our filters."""
    with Taking(source(mosquitto.port), acknowledge=False) as taking:
        taking.connected()
        publish(mosquitto.port, TOPIC, *numbers(0, 50))
        taking.count(50)
    with Taking(source(mosquitto.port, keepalive_s=1), limit=1) as again:
        again.count(1)
        time.sleep(8)  # mosquitto 2.0 looks for the silent every 5 s only
        again.go_on.set()
        again.count(50)
        again.connected()
    assert again.payloads == numbers(0, 50)
    assert "exceeded timeout" not in mosquitto.log.read_text()


def test_loss_while_stalled_is_no_fault_of_ours(start_mosquitto: Start, caplog: pytest.LogCaptureFixture) -> None:
    broker = start_mosquitto(f"allow_anonymous true\n{KEPT}")
    mine = source(broker.port, keepalive_s=1)
    with Taking(mine, limit=1) as taking:
        taking.connected()
        publish(broker.port, TOPIC, *numbers(0, 3))
        taking.count(1)
        broker.restart()
        taking.until(lambda: mine._link is not None and mine._link.lost, "a sign of life finds it gone")
        taking.go_on.set()
        taking.until(lambda: "resumed" in mine.status.detail, "resumed")
        taking.until(lambda: {*taking.payloads} == {*numbers(0, 3)}, "all of them")
    assert "a fault of ours" not in caplog.text


def test_silent_broker_is_noticed(mosquitto: Mosquitto) -> None:
    mine = source(mosquitto.port, keepalive_s=1)
    with Taking(mine) as taking:
        taking.connected()
        mosquitto.signal(signal.SIGSTOP)
        taking.until(lambda: not mine.status.connected, "noticed", 6)
        mosquitto.signal(signal.SIGCONT)
        taking.connected()


def test_slow_consumer_holds_the_broker_back(mosquitto: Mosquitto) -> None:
    """5000 waiting messages of 2 kB: what is not taken stays with the broker, not in our memory."""
    subscribed(mosquitto.port)
    publish(mosquitto.port, TOPIC, *(b"%2000d" % number for number in range(5000)))
    tracemalloc.start()
    try:
        with Taking(source(mosquitto.port), limit=10) as taking:
            taking.count(10)
            time.sleep(1)
            assert len(taking.chunks) == 10
            assert tracemalloc.get_traced_memory()[0] < 2_000_000
            tracemalloc.stop()
            taking.go_on.set()
            taking.count(5000, 30)
    finally:
        tracemalloc.stop()
    assert [int(each) for each in taking.payloads] == list(range(5000))


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # paho leaves the socket of a failed handshake to the collector
def test_tls(start_mosquitto: Start, tmp_path: Path) -> None:
    from tests.servers import certificate

    ca, cert, key = certificate(tmp_path)
    port = free_port()
    broker = start_mosquitto(
        "allow_anonymous true\nmax_queued_messages 10000\n",
        f"listener {port} 127.0.0.1\ncafile {ca}\ncertfile {cert}\nkeyfile {key}\n",
    )
    mine = MqttSource("phones", Broker("localhost", port, tls=True, ca_file=ca), backoff=Backoff(0.05, 0.2))
    with Taking(mine) as taking:
        taking.connected()
        publish(broker.port, TOPIC, *numbers(0, 500))
        taking.count(500)
    assert taking.payloads == numbers(0, 500)
    unknown = MqttSource("phones", Broker("localhost", port, tls=True), backoff=Backoff(0.05, 0.2))
    with Taking(unknown) as taking:
        taking.until(lambda: "certificate refused" in unknown.status.detail)
    plain = MqttSource("phones", Broker("127.0.0.1", broker.port, tls=True), backoff=Backoff(0.05, 0.2))
    with Taking(plain) as taking:
        until(lambda: "TLS" in plain.status.detail or "cannot reach" in plain.status.detail)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "matched"),
    [
        ("owntracks/+/+", "owntracks/a/b", ("a", "b")),
        ("owntracks/+/+", "owntracks/a", None),
        ("owntracks/+/+", "owntracks/a/b/event", None),
        ("a/+/#", "a/b/c/d", ("b",)),
        ("a/+/#", "a/b", ("b",)),
        ("#", "a/b", ()),
        ("$share/group/a/+", "a/b", ("b",)),
        ("+", "", ("",)),
        ("a", "b", None),
    ],
)
def test_match(topic_filter: str, topic: str, matched: tuple[str, ...] | None) -> None:
    assert match(check_filter(topic_filter), topic) == matched


@pytest.mark.parametrize("wrong", ["", "a/b+", "#/a", "a/b#", "a\0"])
def test_no_filter(wrong: str) -> None:
    with pytest.raises(ValueError, match="topic filter"):
        MqttSource("phones", Broker(), [(wrong, "nmea")])
