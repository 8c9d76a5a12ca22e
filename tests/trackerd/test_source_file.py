"""FileSource: plain, gzipped, piped, damaged."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.servers import Taking
from trackerd.sources.file import BLOCK, FileSource

LINES = b"".join(b"$GPXXX,%d*00\r\n" % number for number in range(50_000))


def read(path: Path | str) -> tuple[FileSource, bytes]:
    source = FileSource("file", path)
    chunks = list(source)
    assert [chunk.closed for chunk in chunks] == [False] * (len(chunks) - 1) + [True]
    assert all(len(chunk.data) <= BLOCK for chunk in chunks)
    return source, b"".join(chunk.data for chunk in chunks)


def test_plain(tmp_path: Path) -> None:
    path = tmp_path / "log.nmea"
    path.write_bytes(LINES)
    source = FileSource("file", path)
    seen = [source.progress for _ in source]
    assert seen == sorted(seen)
    assert seen[0] == (BLOCK, len(LINES))
    assert seen[-1] == (len(LINES), len(LINES))
    assert read(path)[1] == LINES


def test_gzip_by_content(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(gzip.compress(LINES[:100_000]) + gzip.compress(LINES[100_000:]))
    source, data = read(path)
    assert data == LINES
    assert source.progress == (path.stat().st_size, path.stat().st_size)
    assert source.fault == ""


def test_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    source, data = read(path)
    assert (data, source.fault) == (b"", "")


@pytest.mark.parametrize("cut", [20, 1000, -5])
def test_gzip_cut_short(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(LINES)[:cut])
    source, data = read(path)
    assert LINES.startswith(data)
    assert "cut short" in source.fault
    assert str(path) in source.status.detail


def test_gzip_damaged(tmp_path: Path) -> None:
    path = tmp_path / "damaged.gz"
    packed = bytearray(gzip.compress(LINES))
    packed[len(packed) // 2] ^= 0xFF
    path.write_bytes(packed)
    assert "damaged" in read(path)[0].fault
    path.write_bytes(b"\x1f\x8bnot really")
    assert "damaged" in read(path)[0].fault


def test_gzip_bomb_is_read_in_blocks(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(b"\0" * 50_000_000))
    source = FileSource("file", path)
    assert max(len(chunk.data) for chunk in source) <= BLOCK


def test_missing_and_folder(tmp_path: Path) -> None:
    assert "no such file" in read(tmp_path / "none")[0].fault
    assert "is a directory" in read(tmp_path)[0].fault


def test_close_between_blocks(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(LINES)
    source = FileSource("file", path)
    taken = 0
    for _ in source:
        taken += 1
        source.close()
    assert taken == 2  # a block, and the end


def test_named_pipe_comes_as_it_is_written_and_closes(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with Taking(FileSource("file", path)) as taking, path.open("wb", buffering=0) as pipe:
        for each in (b"one\n", b"two\n"):
            pipe.write(each)
            taking.has(each)
        taking.source.close()
        taking.until(lambda: taking.ended, "closed while the pipe is silent")


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input(packed: bool) -> None:
    program = (
        "import sys\nfrom trackerd.sources.file import FileSource\n"
        "for chunk in FileSource('in', '-'): sys.stdout.buffer.write(chunk.data)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=gzip.compress(LINES) if packed else LINES,
        capture_output=True,
        check=True,
        timeout=30,
    )
    assert done.stdout == LINES
    assert done.stderr == b""


def test_speed(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(LINES * 20)
    began = time.monotonic()
    read(path)
    assert time.monotonic() - began < 5
