"""Commands that wait for the daemon in a folder."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trackerd import orders
from trackerd.inbox import Inbox
from trackerd.orders import Order, OrderError, Rest, Resume, Waive
from trackerd.store import StoreError

ORDERS: list[Order] = [
    Rest("gw-1", 10, None, "an"), Rest("gw-1", 10, 20), Resume("gw-1", 30),
    Waive("boxes", "box-07", 40, "road works", "an", 50), Waive("boxes", "box-07", 40, None, "an", 50),
]  # fmt: skip


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_means_the_same_to_the_daemon(order: Order) -> None:
    assert orders.read(orders.write(order)) == order


@given(st.binary(max_size=200) | st.text(max_size=80).map(str.encode))
def test_what_is_no_order_is_told_as_such(data: bytes) -> None:
    with pytest.raises(OrderError):
        orders.read(data)


@pytest.mark.parametrize("data", [
    b'{"type":"break","warden":"gw-1"}', b'{"type":"break","warden":"gw-1","start":"now"}', b'{"type":"erase"}',
    b'{"type":"resume","warden":"gw-1","at":1,"more":2}', b"[" * 10_000,
])  # fmt: skip
def test_half_an_order_is_none(data: bytes) -> None:
    with pytest.raises(OrderError):
        orders.read(data)


def test_commands_come_in_the_order_they_were_left_and_stay_until_done(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "record.db.d")
    for n in range(5):
        inbox.put(b"%d" % n)
    assert [data for _, data in inbox.waiting()] == [b"0", b"1", b"2", b"3", b"4"]
    again = Inbox(tmp_path / "record.db.d")
    for path, data in again.waiting():
        if data != b"3":
            again.done(path)
            again.done(path)
    assert [data for _, data in inbox.waiting()] == [b"3"]


def test_the_folder_is_its_owners_alone_and_a_command_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = tmp_path / "record.db.d"
    folder.mkdir(mode=0o755)
    inbox = Inbox(folder)
    file = inbox.put(b"{}")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    file.rename(file.with_suffix(".new"))  # as it is while it is being written
    assert list(inbox.waiting()) == []


def test_what_cannot_be_taken_is_put_aside_with_the_reason_and_stops_nothing(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "d")
    bad = inbox.put(b"nonsense")
    (tmp_path / "d" / "00-a-folder.json").mkdir()
    good = inbox.put(b"{}")
    found = dict(inbox.waiting())
    assert found.keys() == {bad, good}
    inbox.refuse(bad, "it is nonsense")
    assert dict(inbox.waiting()).keys() == {good}
    assert bad.with_suffix(".refused").read_bytes() == b"nonsense"
    assert bad.with_suffix(".why").read_text() == "it is nonsense\n"
    assert "directory" in (tmp_path / "d" / "00-a-folder.why").read_text().lower()


def test_a_file_that_can_neither_be_taken_nor_put_aside_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox = Inbox(tmp_path / "d")
    file = inbox.put(b"nonsense")

    def refuses(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuses)
    inbox.refuse(file, "it is nonsense")
    assert list(inbox.waiting()) == []
    assert caplog.text.count("remove it by hand") == 1


def test_somebody_attends_or_not(tmp_path: Path) -> None:
    daemon, shell = Inbox(tmp_path / "d"), Inbox(tmp_path / "d")
    assert not shell.attended
    daemon.attend()
    assert shell.attended
    with pytest.raises(StoreError, match="another trackerd"):
        shell.attend()
    daemon.close()
    assert not shell.attended


def test_a_folder_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="right to write"):
        Inbox(tmp_path / "file" / "d")
