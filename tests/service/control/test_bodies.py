"""Bodies: whatever is sent, it is read into what was meant, or refused in one line."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from quietfill.domain.errors import BadInput
from quietfill.domain.types import SECOND
from quietfill.service.control.answers import Refused
from quietfill.service.control.bodies import (
    ActBody,
    AmendBody,
    Body,
    DecisionBody,
    KillBody,
    ReleaseBody,
    ResolveBody,
    read_body,
)
from quietfill.service.control.deciding import decision_of

KINDS: tuple[type[Body], ...] = (ActBody, AmendBody, DecisionBody, KillBody, ReleaseBody, ResolveBody)
NOW = 1_689_040_920 * SECOND
FIELDS = sorted({name for kind in KINDS for name in kind.__struct_fields__})

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text()
    | st.sampled_from(["buy", "cancelled", "1e400", "-0", "NaN", "١٢", "2026-11-23T15:55:00Z", "limit"])
)  # fmt: skip
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10)
objects = st.dictionaries(st.sampled_from(FIELDS) | st.text(), values)


def refusal(content: bytes, kind: type[Body]) -> str | None:
    """Return why a body is refused; None when it is read."""
    try:
        read_body(content, kind)
    except Refused as refused:
        found = refused
    else:
        return None
    line = str(json.loads(bytes(found.answer().body))["error"])
    assert found.status == 400
    assert line
    assert "\n" not in line
    return line


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    """No bytes raise anything but a refusal of one line."""
    for kind in KINDS:
        refusal(content, kind)


@given(objects)
def test_any_object_is_read_or_refused(said: dict[str, Any]) -> None:
    """No JSON object raises anything but a refusal, NaN and infinities as Python writes them included."""
    content = json.dumps(said, allow_nan=True).encode()
    for kind in KINDS:
        refusal(content, kind)


@given(objects)
def test_any_decision_that_is_read_is_an_event_or_bad_input(said: dict[str, Any]) -> None:
    """What the schema lets through is a decision, or wrong in a field that is named; nothing else happens."""
    whole = {"by": "anna", "symbol": "X", "side": "buy", "quantity": 1} | said
    try:
        body = read_body(json.dumps(whole).encode(), DecisionBody)
        event = decision_of(body, NOW)
    except (Refused, BadInput):
        return
    assert event.quantity == Decimal(str(body.quantity))
    assert Decimal(event.quantity).is_finite()


@pytest.mark.parametrize(
    "number",
    [
        "1e400", "-1e400", "1e16", "NaN", "Infinity", "-Infinity", '"NaN"', '"1e5"', '"Infinity"', '"1_000"', '"+5"',
        '" 5"', '"5\\n"', '"0x10"', '"١٢"', '"\uff15"', '""', '"1.1234567890"', "9223372036854775808",
        "-9223372036854775809", "1" + "0" * 400, '"' + "9" * 400 + '"', "true", "null", "[1]", "{}", "01", "1.", ".5",
    ],
)  # fmt: skip
def test_numbers_that_nobody_means_are_refused(number: str) -> None:
    """Too large, not finite, in other digits, in other forms: refused by the schema."""
    body = f'{{"by": "anna", "symbol": "X", "side": "buy", "quantity": {number}}}'
    assert refusal(body.encode(), DecisionBody)


@pytest.mark.parametrize(
    ("number", "meant"),
    [("5", "5"), ("5.0", "5"), ("0.1", "0.1"), ('"0.1"', "0.1"), ('"12.345678901"', "12.345678901"), ("-0", "0")],
)
def test_numbers_keep_what_was_written(number: str, meant: str) -> None:
    """A number is taken exactly, as a number or as text."""
    body = f'{{"by": "anna", "symbol": "X", "side": "buy", "quantity": {number}}}'
    assert decision_of(read_body(body.encode(), DecisionBody), NOW).quantity == Decimal(meant)


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"by": "anna", "symbols": [', '{"by": [', '{"params": {"a": ['])
def test_deep_nesting_is_refused(opening: str) -> None:
    """A hundred thousand levels are refused like one."""
    for kind in KINDS:
        assert refusal((opening * 100_000).encode(), kind)


@pytest.mark.parametrize("name", ["a\nb", "a\x00", "\x1b[31mred", "a\u2028b", "", " ", "x" * 101])
def test_names_hold_nothing_that_could_spoil_a_log(name: str) -> None:
    """Line breaks, escapes, blanks and endless names are refused, also in reasons as far as those have them."""
    assert refusal(msgspec.json.encode({"by": name}), ActBody)


@pytest.mark.parametrize("reason", ["a\nb", "\x1b]0;title\x07", "x" * 501])
def test_reasons_are_one_printable_line(reason: str) -> None:
    """A reason cannot write a second line into a log, nor speak to a terminal."""
    assert refusal(msgspec.json.encode({"by": "anna", "reason": reason}), ActBody) is not None
    assert refusal(msgspec.json.encode({"by": "anna", "reason": "=cmd()|<b>ü</b>"}), ActBody) is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_field_that_is_not_known_is_named(kind: type[Body]) -> None:
    """A misspelt field is no silent default."""
    assert "acount" in str(refusal(b'{"acount": "U1"}', kind))


BUYING: dict[str, Any] = {"by": "anna", "symbol": "X", "side": "buy", "quantity": 1}
WRONG: list[tuple[type[Body], dict[str, Any], str]] = [
    (DecisionBody, BUYING | {"quantity": "many"}, "quantity must be a plain number, like 1234.5, not many"),
    (DecisionBody, BUYING | {"quantity": None}, "quantity must be a number or text, not null"),
    (DecisionBody, {"by": "anna", "symbol": "X", "side": "buy"}, "quantity is missing"),
    (DecisionBody, BUYING | {"side": "long"}, "side must be buy or sell, not long"),
    (DecisionBody, BUYING | {"minutes": 3e6}, "minutes must be at most 200,000, not 3000000.0"),
    (DecisionBody, BUYING | {"minutes": 0}, "minutes must be above 0, not 0"),
    (DecisionBody, BUYING | {"minutes": "x"}, "minutes must be a number, not x"),
    (
        DecisionBody,
        BUYING | {"end": "tomorrow"},
        "end must be a time with its offset from UTC, like 2026-11-23T15:55:00-05:00, not tomorrow",
    ),
    (
        DecisionBody,
        BUYING | {"end": "2026-11-23T15:55:00"},
        "end must be a time with its offset from UTC, like 2026-11-23T15:55:00-05:00, not 2026-11-23T15:55:00",
    ),
    (DecisionBody, BUYING | {"algo": ""}, "algo must not be empty"),
    (DecisionBody, BUYING | {"reason": "x" * 600}, "reason must have at most 500 characters"),
    (DecisionBody, BUYING | {"account": "a\nb"}, "account must be one line of printable text"),
    (DecisionBody, BUYING | {"params": {"a": [1]}}, "params[...] must be true or false, a number or text"),
    (DecisionBody, BUYING | {"params": {"": 1}}, "a name in params must not be empty"),
    (DecisionBody, BUYING | {"nope": 1}, "nope is no field of this request"),
    (ResolveBody, {"by": "anna", "subject": "x", "outcome": "dead", "reason": "r"}, "outcome must be "),
    (KillBody, {"by": "anna", "symbols": "X"}, "symbols must be a list, not X"),
    (KillBody, {"by": "anna", "cancel_pending": 1}, "cancel_pending must be true or false, not 1"),
]


@pytest.mark.parametrize(("kind", "said", "answer"), WRONG, ids=[answer for _, _, answer in WRONG])
def test_what_is_wrong_is_said_in_words(kind: type[Body], said: dict[str, Any], answer: str) -> None:
    """The message names the field, what it must be and what was said, in no codec's words."""
    told = refusal(json.dumps(said).encode(), kind)

    assert told is not None
    assert told.startswith(answer) if answer.endswith(" ") else told == answer
