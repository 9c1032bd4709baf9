"""Volume profiles are facts of the journal: followed at once, kept over a restart, booked once."""

from __future__ import annotations

from datetime import time

import pytest

from quietfill.domain.errors import BadInput
from quietfill.domain.instrument import Instrument, LocalSession, TickRule
from quietfill.domain.messages import RegisterInstrument, SetVolumeProfile
from quietfill.domain.records import SCHEMA_VERSION, InstrumentRegistered, VolumeProfileSet
from quietfill.journal.codec import CODEC
from tests.engine.rig import SYMBOL, Rig, slice_of


def profile(*weights: float) -> SetVolumeProfile:
    """Return a wish for a curve."""
    return SetVolumeProfile(symbol=SYMBOL, weights=weights, by="anna", source="learned")


def test_a_running_order_is_planned_anew_on_the_new_profile() -> None:
    """The live parents of the symbol are looked at again at once, and see the curve."""
    rig = Rig()
    rig.quote()
    rig.order()
    rig.puppet.wanted = (slice_of(10),)

    records = rig.handle(profile(1, 2, 3))

    assert [type(record).__name__ for record in records] == ["VolumeProfileSet", "ChildRequested"]
    assert rig.parent.profile == (1, 2, 3)


def test_a_profile_survives_a_restart() -> None:
    """An engine that only reads the journal has the profile that was set last."""
    rig = Rig()
    rig.handle(profile(1, 2))
    rig.handle(profile(3, 4))
    stored = [CODEC.decode(CODEC.encode(record), SCHEMA_VERSION) for record in rig.records]

    restored = rig.fresh_engine()
    restored.restore(stored)

    assert restored.state.profiles == {SYMBOL: (3.0, 4.0)}


def test_the_same_profile_again_is_no_news_and_none_is_the_default_again() -> None:
    """Setting what is followed already journals nothing; empty weights take the profile away."""
    rig = Rig()
    assert len(rig.handle(profile(1, 2))) == 1
    assert rig.handle(profile(1, 2)) == []

    assert [record.weights for record in rig.handle(profile()) if isinstance(record, VolumeProfileSet)] == [()]
    assert rig.engine.state.profiles == {}


def test_new_days_off_of_a_known_instrument_are_journaled() -> None:
    """A later look at the calendar brings a record with the new days; anything else under the symbol is refused."""
    rig = Rig()
    instrument = Instrument(symbol="NEW", ticks=(TickRule(0, 1),), lot=1, sessions=(LocalSession(time(9), time(17)),))
    with_weekend = Instrument(
        symbol="NEW", ticks=(TickRule(0, 1),), lot=1, sessions=instrument.sessions, closed_weekdays=(5, 6)
    )
    rig.handle(RegisterInstrument(instrument=instrument, by="anna"))

    records = rig.handle(RegisterInstrument(instrument=with_weekend, by="anna"))

    assert [record.instrument for record in records if isinstance(record, InstrumentRegistered)] == [with_weekend]
    assert rig.engine.state.instruments["NEW"] == with_weekend
    with pytest.raises(BadInput, match="NEW is registered as another instrument"):
        rig.handle(RegisterInstrument(instrument=Instrument(symbol="NEW", ticks=(TickRule(0, 5),), lot=1), by="bob"))
