"""What orders can name and set: lookup, typed parameters, one-line refusals, and the rows of the forms."""

from decimal import Decimal

import pytest

from quietfill.algos.base import Rest
from quietfill.algos.market import MarketParams
from quietfill.algos.registry import AlgoRegistry, describe, parse_params, registry, spec_of
from quietfill.algos.twap import Twap, TwapParams
from quietfill.domain.errors import BadInput

ALGOS = registry()


def test_the_built_in_algos_are_found_in_any_letter_case():
    """An order may write TWAP or twap."""
    assert {spec.name for spec in ALGOS} >= {
        "limit",
        "market",
        "pov",
        "twap",
        "vwap",
        "midpoint_peg",
        "iceberg",
        "sniper",
    }
    assert ALGOS.get("TWAP") is ALGOS.get("twap")
    assert "VWAP" in ALGOS
    assert "nonsense" not in ALGOS


def test_an_unknown_algo_is_refused_with_the_known_ones():
    """The message names what was asked for and what there is."""
    with pytest.raises(BadInput, match=r"unknown algo 'twop'; known: .*limit, market, .*pov, .*twap, .*vwap"):
        ALGOS.get("twop")


def test_a_name_is_registered_once():
    """A second algo of the same name never shadows the first."""
    known = AlgoRegistry()
    known.register(spec_of("mine", Twap))

    with pytest.raises(BadInput, match="'mine' is registered already"):
        known.register(spec_of("mine", Twap))
    with pytest.raises(BadInput, match="lower-case"):
        known.register(spec_of("No Name", Twap))


def test_texts_become_typed_parameters():
    """What a command line gives as text is read by the schema: numbers, choices and flags."""
    params = parse_params(
        ALGOS.get("twap"), {"slice_seconds": "30", "rest": "alert", "min_child": "100", "limit_price": "9.11"}
    )
    plain = parse_params(ALGOS.get("market"), {"plain": "true"})

    assert isinstance(params, TwapParams)
    assert (params.slice_seconds, params.rest, params.min_child) == (30.0, Rest.ALERT, Decimal(100))
    assert params.limit_price == Decimal("9.11")
    assert isinstance(plain, MarketParams)
    assert plain.plain is True


@pytest.mark.parametrize(
    ("algo", "given", "message"),
    [
        ("twap", {"jiter": 0}, "twap: unknown parameter 'jiter'; known: discretion, jitter, limit_price"),
        ("twap", {"jitter": "x"}, "twap: jitter = 'x': must be a number, at least 0, below 1"),
        ("twap", {"jitter": 1}, "twap: jitter = 1: must be a number, at least 0, below 1"),
        ("twap", {"slice_seconds": 0}, "twap: slice_seconds = 0: must be a number, above 0, at most 86400"),
        ("twap", {"slice_seconds": "nan"}, "twap: slice_seconds = 'nan': must be a number"),
        ("twap", {"slice_seconds": None}, "twap: slice_seconds = None: must be a number"),
        ("twap", {"rest": "now"}, "twap: rest = 'now': must be complete | abandon | alert"),
        ("twap", {"min_child": "-1"}, "twap: min_child = '-1': must be above 0"),
        ("twap", {"max_child": 0}, "twap: max_child = 0: must be above 0"),
        ("twap", {"min_child": "NaN"}, "twap: min_child = 'NaN': must be finite"),
        ("twap", {"min_child": "1e-9"}, "twap: min_child = '1e-9': must have no more than 8 decimal places"),
        ("twap", {"limit_price": "inf"}, "twap: limit_price = 'inf': must be finite"),
        ("twap", {"min_child": 300, "max_child": 200}, "twap: max_child 200 is below min_child 300"),
        ("market", {"plain": "perhaps"}, "market: plain = 'perhaps': must be true or false"),
        ("pov", {"rate": 1}, "pov: rate = 1: must be a number, above 0, below 1"),
        ("pov", {"rate": 0.1, "floor": 0.2}, "pov: floor 0.2 must not be above rate 0.1"),
        ("pov", {"rate": 0.3, "cap": 0.2}, "pov: cap 0.2 must not be below rate 0.3"),
        ("limit", {"rate": 1}, "limit: unknown parameter 'rate'"),
    ],
)
def test_a_bad_parameter_is_refused_in_one_line(algo, given, message):
    """The message names algo, parameter and value, and what it may be."""
    with pytest.raises(BadInput) as refusal:
        parse_params(ALGOS.get(algo), given)

    assert str(refusal.value).startswith(message)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("spec", list(ALGOS), ids=lambda spec: spec.name)
def test_every_parameter_says_what_it_means(spec):
    """Each row of the form has a type and a meaning, and an algo's own parameters come first."""
    rows = describe(spec)
    names = [row.name for row in rows]

    assert all(row.meaning and row.type for row in rows)
    assert {"limit_price", "participation_cap", "min_child", "max_child", "urgency", "rest"} <= set(names)
    assert spec.docs.endswith(".")
    defaults = {row.name: row.default for row in rows if row.default not in {"", "required"}}
    try:
        plain = spec.params()
    except (TypeError, ValueError):  # something must be stated
        with pytest.raises(BadInput, match=spec.name):
            parse_params(spec, defaults)
    else:
        assert parse_params(spec, defaults) == plain


def test_the_rows_of_a_form():
    """A row holds name, type with its bounds, default, and the meaning from the docstring."""
    row = describe(ALGOS.get("twap"))[0]

    assert (row.name, row.type, row.default) == ("slice_seconds", "a number, above 0, at most 86400", "60.0")
    assert row.meaning == "trading time of one slice."
