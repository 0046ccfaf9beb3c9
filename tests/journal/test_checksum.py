"""The checksum of frames."""

from __future__ import annotations

import zlib

from hypothesis import given
from hypothesis import strategies as st

from cxlogging.delivery.journal.frames import crc32


@given(st.binary(max_size=2_000), st.integers(0, 2**32 - 1))
def test_it_is_the_number_of_zlib(data, start):
    """A spool that was written with the ``fast`` extra is readable without it, and vice versa."""
    assert crc32(data, start) == zlib.crc32(data, start)
