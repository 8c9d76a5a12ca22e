"""Files of tracks read by columns: the same as row by row."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from devices.csv_scan import NUMBER, NotPlainError, scan
from devices.decoder import Bad, Said
from devices.tracks_csv import TracksCsv
from geofence.model import DeviceId, Fix, Fixes

HEADER = "device,time,lon,lat,accuracy_m,speed_mps,course_deg,altitude_m"
PLAIN = "w01,1777882351.25,4.1981,50.9101,6,1.2,360,80"
ISO = "w01,2026-05-04T08:12:31.5Z,4.1981,50.9101,6,1.2,360,80"
ODD = [
    ",1777882351,4.1981,50.9101,,,,", "w02,2026-05-04T08:12:31+02:00,4.2,50.9,6,-1,361,99999999", "", "\r",
    PLAIN + "\r", "w01,2026-05-04T08:12:31,4.2,50.9,1,1,1,1", "w01,1777882351,0,0,1,1,1,1",
    '"w01",1777882351,4,50,1,1,1,1',
    "w01,1777882351,4.2,91,1,1,1,1", "w01,1777882351,nan,50,1,1,1,1", "w01,1777882351,1_0,50,1,1,1,1",
    "w01, 1777882351,4.2 ,50.9,1,1,1,1", "w01,1777882351,4.2", "é,1777882351,4,50,1,1,1,1", "w01,,4,50,1,1,1,1",
    "w01,0,4,50,1,1,1,1", "w01,99999999999999,4,50,1,1,1,1", "w01,1.7.7,4,50,1,1,1,1", "w01,1777882351,4,50,0,1,1,1",
    "w01,0001-01-01T00:00:00+02:00,4,50,1,1,1,1", "w01,2026-05-04T08:12:31." + "0" * 60 + "Z,4,50,1,1,1,1",
    "w01,1777882351,4,50,1e9,1e3,0,-5", "w03,1777882351,4,50,inf,1,1,1", PLAIN + ",more",
    "w01,1777882351,-0,+50,-0.0,.5,5.,-0", "w01,1777882351,04.2,50,1e400,1E1,5e-1,1e-400",
    "w01,1777882351,[4],5],1,1,1,1", "\0,1777882351,4,50,1,1,1,1",
]  # fmt: skip


def rows(said: list[Said | Fixes]) -> list[Said]:
    """Return all that was said, one by one."""
    return [one for each in said for one in (each if isinstance(each, Fixes) else [each])]


def both(data: bytes, cuts: list[int]) -> tuple[list[Said], list[Said | Fixes]]:
    """Return what a file says read row by row, and by columns, cut there."""
    one, many = TracksCsv(DeviceId("own")), TracksCsv(DeviceId("own"))
    found: list[Said | Fixes] = []
    for a, b in pairwise([0, *sorted(cuts), len(data)]):
        found += many.receive_many(data[a:b])
    return one.receive(data) + one.end(), [*found, *many.end()]


@given(
    st.lists(st.one_of(st.sampled_from([PLAIN, ISO, ODD[0]]), st.sampled_from(ODD)), max_size=12),
    st.lists(st.integers(0, 900), max_size=4), st.sampled_from([HEADER, "\ufeff" + HEADER, "lat,time,lon", "no"]),
)  # fmt: skip
@example([PLAIN, ODD[0]], [], HEADER)
@settings(max_examples=300, deadline=None)
def test_a_file_says_the_same_by_columns_as_row_by_row(lines: list[str], cuts: list[int], header: str) -> None:
    """Whatever rows stand in it, and wherever it is cut."""
    data = "\n".join([header, *lines]).encode()
    expected, found = both(data, [min(cut, len(data)) for cut in cuts])
    assert rows(found) == expected


@pytest.mark.parametrize("plain", [PLAIN, ISO])
@pytest.mark.parametrize("odd", ODD)
def test_each_odd_row_alone(odd: str, plain: str) -> None:
    """Among plain rows, each kind of odd one is read, or refused, as ever."""
    expected, found = both("\n".join([HEADER, plain, odd, plain]).encode(), [])
    assert rows(found) == expected


def test_plain_rows_are_read_by_columns() -> None:
    """The fast way is taken at all, with its devices and its numbers."""
    _, found = both("\n".join([HEADER, PLAIN, ODD[0], PLAIN, ""]).encode(), [])
    (fixes,) = found
    assert isinstance(fixes, Fixes)
    assert fixes.devices == ("w01", "own")
    assert fixes.course_deg.tolist()[0] == 0.0
    assert np.isnan(fixes.accuracy_m).tolist() == [False, True, False]


def test_a_fault_is_told_with_its_line_after_plain_rows() -> None:
    """Rows read by columns are counted too."""
    decoder = TracksCsv(DeviceId("own"))
    decoder.receive_many(f"{HEADER}\n{PLAIN}\n{PLAIN}\n".encode())
    told = decoder.receive_many(f"{PLAIN}\nbad\n".encode())
    assert isinstance(told[0], Fix)
    assert isinstance(told[1], Bad)
    assert told[1].detail.startswith("line 5: ")


@given(st.from_regex(r"-?([0-9]{1,19}(\.[0-9]{0,24})?|\.[0-9]{1,24})(e-?[0-9]{1,3})?", fullmatch=True))
@example("9007199254740993")
@example("0.30000000000000004")
@example("123456789012345.6789")
@settings(max_examples=500, deadline=None)
def test_a_number_is_the_one_python_reads(text: str) -> None:
    """To the last bit, however it is written; what is not finite is not read."""
    for end in ("\n", "\r\n"):
        try:
            (found,) = np.asarray(scan(f"{text}{end}".encode(), NUMBER, 8192).numbers)
        except NotPlainError:
            assert not np.isfinite(float(text))
        else:
            assert found.hex() == float(text).hex()
