"""The recorded market that ships with the package, so that a first run needs no files."""

from __future__ import annotations

from importlib.resources import files

from quietfill.venue.samples.packed import unpack
from quietfill.venue.tape import Tape

SAMPLE = "shanghai_600961_20230711_10h.qft"


def load_sample() -> Tape:
    """Return Shanghai 600961 on 2023-07-11 from 10:00 to 11:00, order by order, with its book at 10:00.

    The resting orders come in queue order with what they had left, so every queue is complete from the first
    row. Recorded by the exchange's level-2 feed; source and licence are in NOTICE.
    """
    return unpack(files("quietfill.venue.samples").joinpath(SAMPLE).read_bytes(), SAMPLE)
