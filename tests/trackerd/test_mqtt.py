"""The client made for a broker: credentials from files, TLS, and packets paho cannot read."""

from __future__ import annotations

from pathlib import Path

import pytest

from trackerd.mqtt import Broker, BrokerFault, make_client
from trackerd.mqtt_stream import read_publish


def test_password_is_read_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("s3cret with spaces \r\n")
    made = make_client(Broker(username="trackerd", password_file=file))
    assert made.password == "s3cret with spaces "


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "no such file"), (b"\n", "is empty"), (b"\xff\xfe", "not UTF-8")],
)
def test_unusable_password_file_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    file = tmp_path / "password"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(BrokerFault, match=said) as told:
        make_client(Broker(username="trackerd", password_file=file))
    assert str(file) in str(told.value)


def test_unusable_certificates_are_named(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    with pytest.raises(BrokerFault, match="no such file"):
        make_client(Broker(tls=True, ca_file=file))
    file.write_text("nonsense")
    with pytest.raises(BrokerFault, match="PEM"):
        make_client(Broker(tls=True, ca_file=file))
    with pytest.raises(BrokerFault, match="cert_file"):
        make_client(Broker(tls=True, cert_file=file, key_file=file))


def test_keepalive_is_demanded() -> None:
    with pytest.raises(ValueError, match="keepalive"):
        Broker(keepalive_s=0)


def test_read_publish() -> None:
    packet = b"\x00\x03a/b" + b"\x01\x02" + b"\x05\x26\xff\xff\xff\xff" + b"payload"
    message = read_publish(0b0011_1011, packet)
    assert message == (b"a/b", b"payload", 258, 1, True)
    assert read_publish(0b0011_0000, b"\x00\x01a\x00").payload == b""
