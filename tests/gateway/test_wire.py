"""The grains of the protocol, without a socket."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietfill.domain.types import SECOND
from quietfill.gateway import layouts
from quietfill.gateway.cursor import Cursor, Refused
from quietfill.gateway.wire import BrokenFrameError, Frames, fields_of, frame, instant_of, is_unset, local_text, text

FIELDS = st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20), min_size=1, max_size=6)


@given(messages=st.lists(FIELDS, min_size=1, max_size=5), data=st.data())
def test_frames_survive_any_cut(messages, data):
    """However a stream is split into packets, the same messages come out."""
    stream = b"".join(frame(fields) for fields in messages)
    frames, heard = Frames(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        heard += frames.take(stream[:size])
        stream = stream[size:]

    assert [fields_of(body) for body in heard] == messages


def test_a_frame_that_is_too_long_is_refused_before_it_is_read():
    """A length that no message has cuts the line instead of filling the memory."""
    with pytest.raises(BrokenFrameError):
        Frames().take(b"\xff\xff\xff\xff")


def test_text_beyond_ascii_is_escaped():
    """The protocol is ASCII; anything else goes out with backslashes."""
    (body,) = Frames().take(frame(["6", "caf\u00e9"]))

    assert fields_of(body) == ["6", "caf\\xe9"]


@pytest.mark.parametrize(
    ("value", "expected"), [(True, "1"), (False, "0"), (7, "7"), (Decimal("1E+3"), "1000"), ("x", "x")]
)
def test_values_are_written_as_clients_read_them(value, expected):
    """Flags are digits and numbers plain, since official clients read whole numbers with int."""
    assert text(value) == expected


@pytest.mark.parametrize(
    ("field", "unset"),
    [
        ("", True), ("2147483647", True), ("1.7976931348623157E308", True), ("1.7976931348623157e+308", True),
        ("9223372036854775807", True), ("-9223372036854775808", True), ("Infinity", True), ("Infinite", True),
        ("0", False), ("100", False), ("DAY", False), ("Info", False),
    ],
)  # fmt: skip
def test_every_way_of_saying_nothing_is_understood(field, unset):
    """Clients differ in how they write a value that is not given."""
    assert is_unset(field) is unset


def test_times_are_read_in_all_their_forms():
    """With a zone, without one, in UTC with a dash, and as seconds."""
    expected = 1_689_040_800 * SECOND
    words = ["20230711 10:00:00 Asia/Shanghai", "20230711 10:00:00", "20230711-02:00:00", "1689040800"]

    assert [instant_of(word, "Asia/Shanghai") for word in words] == [expected] * len(words)
    assert local_text(expected, "Asia/Shanghai") == words[0]


@pytest.mark.parametrize("words", ["", "soon", "20231311 10:00:00", "20230711 10:00:00 Nowhere/Atall"])
def test_times_that_are_none_are_refused(words):
    """A time that cannot be read is an error, never some other time."""
    with pytest.raises(ValueError, match=r"."):
        instant_of(words, "Asia/Shanghai")


@pytest.mark.parametrize(("version", "count"), [(157, 0), (158, 1), (160, 2), (162, 3), (170, 8), (177, 7), (178, 7)])
def test_layouts_follow_the_version(version, count):
    """Each version has just the fields that were there by then."""
    oldest = len(layouts.names(layouts.OPEN_ORDER, 157))

    assert len(layouts.names(layouts.OPEN_ORDER, version)) == oldest + count


def test_a_torn_request_names_the_field():
    """What is missing or of the wrong kind is said by its place."""
    with pytest.raises(Refused, match="field 2 is missing"):
        Cursor(["1"]).contract()
    with pytest.raises(Refused, match="field 1 is 'x', not a whole number"):
        Cursor(["x"]).integer()
