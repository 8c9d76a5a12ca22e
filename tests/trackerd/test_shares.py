"""What one of two processes finds goes through a pipe small, and comes out as it was."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from trackerd.shares import _all, _once

SOME = 0.1


@pytest.mark.parametrize(
    ("column", "length"),
    [
        (np.array([SOME, SOME, SOME]), 1),
        (np.array([np.nan, np.nan, np.nan]), 1),
        (np.array([0.0, -0.0, 0.0]), 3),
        (np.array([SOME, SOME, np.nan]), 3),
        (np.array([7, 7, 7], np.int64), 1),
        (np.array([7, 7, 8], np.int64), 3),
        (np.array([SOME]), 1),
        (np.array([], np.float64), 0),
    ],
)
def test_a_column_that_says_the_same_of_all_is_one_number(
    column: NDArray[np.float64] | NDArray[np.int64], length: int
) -> None:
    sent = _once(column)
    assert len(sent) == length
    found = _all(sent, len(column))
    assert found.dtype == column.dtype
    assert found.tobytes() == column.tobytes()
