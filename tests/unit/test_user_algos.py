"""Algos that users wrote: found in files and in installed packages, and guarded like ours."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from quietfill.algos.base import Outcome
from quietfill.algos.registry import describe, parse_params, registry
from quietfill.algos.shaping import shape
from quietfill.domain.errors import BadInput
from quietfill.runtime import user_algos
from quietfill.runtime.user_algos import is_file_reference, load_algo, load_entry_points
from quietfill.testing.builders import Order, any_meets, at, carried_out, market, ticks

PATIENT = str(Path(__file__).parents[2] / "examples" / "patient.py") + ":Patient"


def order_of(spec, **terms) -> Order:
    return Order(params=parse_params(spec, terms.pop("params", {})), **terms)


def test_the_example_rests_and_then_crosses():
    """The algo of `examples/patient.py` stands at the near touch until its patience ends, then across."""
    spec = load_algo(PATIENT)
    order = order_of(spec, params={"patience": "0.5"})

    early = spec.algo.plan(order, market(999, 1_002), at(299))
    late = spec.algo.plan(order, market(999, 1_002), at(300))

    assert spec.name == "patient"
    assert [(piece.quantity, piece.limit_price, piece.crossing) for piece in early.slices] == [
        (order.quantity, ticks(999), False)
    ]
    assert early.wake_at == at(300)
    assert [(piece.limit_price, piece.crossing) for piece in late.slices] == [(ticks(1_002), True)]


def test_a_users_algo_knows_no_hours():
    """Before the start, in a break, at the end and without a market a user's algo is not asked at all."""
    spec = load_algo(PATIENT)
    order = order_of(spec, start=at(60), end=at(20_000))
    working = carried_out(order, spec.algo.plan(order, market(999, 1_000), at(60)))

    assert spec.algo.plan(order, market(999, 1_000), at(59)).slices == ()
    assert spec.algo.plan(working, market(999, 1_000), at(8_000)).wake_at == at(12_600)
    assert spec.algo.plan(working, market(None, 1_000), at(70)).slices[0].limit_price == ticks(999)
    assert any_meets(market(990, 1_000), spec.algo.plan(working, market(None, 1_000), at(70)).wake_when)
    assert spec.algo.plan(working, market(999, 1_000), at(20_000)).finish is Outcome.ENDED


def test_a_users_algo_is_shaped_like_ours():
    """The parent's limit bounds a price that the user's algo did not bound."""
    spec = load_algo(PATIENT)
    order = order_of(spec, limit_price=ticks(990))
    plan = shape(spec.algo.plan(order, market(999, 1_000), at(599)), order, market(999, 1_000))

    assert [piece.limit_price for piece in plan.slices] == [ticks(990)]


def test_a_users_parameters_are_described_by_its_own_docstring():
    """The form of a user's algo shows its parameter, default and meaning before the common ones."""
    rows = describe(load_algo(PATIENT))

    assert (rows[0].name, rows[0].default, rows[0].meaning) == ("patience", "0.9", "share of the window spent resting.")


@pytest.mark.parametrize(
    ("content", "reference", "message"),
    [
        (None, "gone.py:Gone", "gone.py does not exist"),
        ("", "a.py", "write it as path.py:Class"),
        ("x = 1", "a.py:Lost", "there is no such class"),
        ("Lost = 1", "a.py:Lost", "there is no such class"),
        ("raise RuntimeError('two\\nlines')", "a.py:A", "RuntimeError: two lines"),
        ("def broken(:", "a.py:A", "SyntaxError"),
        ("import sys\nsys.exit(3)", "a.py:A", "SystemExit: 3"),
        ("class A:\n    '''Docs.'''", "a.py:A", "has no method plan"),
        ("class A:\n    def plan(self, order, market, now): ...", "a.py:A", "no docstring"),
        (
            "class A:\n    '''Docs.'''\n    Params = dict\n    def plan(self, o, m, n): ...",
            "a.py:A",
            "extend AlgoParams",
        ),
        (
            "class A:\n    '''Docs.'''\n    def __init__(self, x): ...\n    def plan(self, o, m, n): ...",
            "a.py:A",
            "without arguments",
        ),
    ],
)
def test_a_broken_algo_file_is_refused_in_one_line(tmp_path, monkeypatch, content, reference, message):
    """Whatever is wrong with a user's file or class, the error is one line that says what."""
    monkeypatch.chdir(tmp_path)
    if content is not None:
        (tmp_path / "a.py").write_text(content)

    with pytest.raises(BadInput) as refusal:
        load_algo(reference)

    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_an_algo_may_need_a_limit(tmp_path):
    """A class that says `needs_limit` is offered as one that orders without a limit price cannot use."""
    text = 'class TwoWords:\n    "Docs."\n    needs_limit = True\n    def plan(self, order, market, now): ...'
    (tmp_path / "mine.py").write_text(text)
    spec = load_algo(f"{tmp_path / 'mine.py'}:TwoWords")

    assert (spec.name, spec.needs_limit) == ("two_words", True)
    assert not load_algo(PATIENT).needs_limit


def test_a_file_reference_is_told_from_a_name():
    """Only what names a Python file is looked up as one."""
    assert is_file_reference("examples/patient.py:Patient")
    assert not is_file_reference("twap")


def test_entry_points_are_registered_under_their_names(monkeypatch):
    """An installed package's algo is found by its entry point's name and runs guarded."""
    point = EntryPoint("steady", "quietfill.algos.twap:Twap", "quietfill.algos")
    monkeypatch.setattr(user_algos, "entry_points", lambda group: [point] if group == "quietfill.algos" else [])
    known = registry()

    load_entry_points(known)

    assert known.get("steady").algo.plan(order_of(known.get("twap")), market(999, 1_000), at(0)).slices


@pytest.mark.parametrize(
    ("name", "target", "message"),
    [
        ("twap", "quietfill.algos.twap:Twap", "registered already"),
        ("lost", "quietfill.nowhere:Lost", "ModuleNotFoundError"),
        ("odd", "quietfill.algos.twap:even_share", "no such class"),
        ("Bad-Name", "quietfill.algos.twap:Twap", "lower-case"),
    ],
)
def test_a_bad_entry_point_is_refused_by_name(monkeypatch, name, target, message):
    """An entry point that cannot serve is named in one line."""
    point = EntryPoint(name, target, "quietfill.algos")
    monkeypatch.setattr(user_algos, "entry_points", lambda group: [point])

    with pytest.raises(BadInput, match=message):
        load_entry_points(registry())
