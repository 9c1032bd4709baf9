"""The kernel in its two forms, the warm-up, and the packed sample."""

import types

import pytest

from quietfill.domain.errors import BadInput
from quietfill.venue import kernel, kernel_queues, warmup
from quietfill.venue.compiling import PLAIN_SWITCH, compiled_by_default, core_functions
from quietfill.venue.core import OrderBookCore
from quietfill.venue.feeds.files import read_bytes
from quietfill.venue.samples import load_sample
from quietfill.venue.samples.packed import unpack


def test_the_plain_form_is_the_source_itself():
    """Plain, the functions are those of the modules; compiled, they are not, and keep their names."""
    plain = core_functions("quietfill.venue.kernel", compiled=False)
    compiled = core_functions("quietfill.venue.kernel", compiled=True)

    assert plain.advance is kernel.advance
    assert plain.link is kernel_queues.link
    assert not isinstance(compiled.advance, types.FunctionType)
    assert vars(compiled).keys() == vars(plain).keys()


@pytest.mark.parametrize(("value", "compiled"), [("", True), ("0", True), ("1", False), ("yes", False)])
def test_a_switch_turns_compiling_off(monkeypatch, value, compiled):
    """Any value but empty and 0 runs the venue uncompiled."""
    monkeypatch.setenv(PLAIN_SWITCH, value)

    assert compiled_by_default() is compiled


def test_the_warm_up_says_what_it_did(monkeypatch, capsys):
    """It compiles where the core runs compiled, and says so in one line; else it does nothing."""
    assert warmup.main() == 0
    assert capsys.readouterr().out == "the venue core is compiled\n"
    monkeypatch.setenv(PLAIN_SWITCH, "1")
    assert warmup.main() == 0
    assert capsys.readouterr().out == "the venue core runs plain, uncompiled\n"


def test_the_sample_loads_whole():
    """The packaged hour has its events, its resting orders, and the day's volume before it."""
    tape = load_sample()
    core = OrderBookCore(tape)
    core.advance(tape.first_time)

    assert (tape.events, tape.rows) == (16_069, 17_920)
    assert [price // 10**7 for price in core.touch() if price] == [920, 921]
    assert core.volume == 14_325_900 * 10**8
    assert load_sample().sha256 == tape.sha256


def test_a_torn_sample_is_named():
    """A packed tape that is none is refused by name."""
    with pytest.raises(BadInput, match=r"x\.qft: not a packed tape"):
        unpack(b"nonsense", "x.qft")


def test_a_folder_is_no_file(tmp_path):
    """A path that cannot be read is refused by name."""
    with pytest.raises(BadInput, match="cannot be read"):
        read_bytes(tmp_path)
