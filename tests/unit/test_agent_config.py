"""An agent's configuration: one table of keys, from which checks, messages and docs follow."""

import operator
import re
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest

from quietfill.agent.config import AgentConfig
from quietfill.agent.keys import config_table, described_keys
from quietfill.agent.settings import Settings
from quietfill.domain.errors import BadInput
from quietfill.domain.types import MILLISECOND, MINUTE, PRICE_SCALE, QUANTITY_SCALE, SECOND

CONTRACT = {
    "default_algo": "TWAP",
    "slice_interval_seconds": 60,
    "max_slippage_bps": 50,
    "max_orders_per_minute": 10,
    "min_order_interval_ms": 100,
    "stop_check_interval_seconds": 0.1,
    "order_timeout_seconds": 300,
    "algo_timeout_seconds": 3600,
    "timeout_check_interval_seconds": 10,
    "vwap_target_participation": 0.10,
    "vwap_min_participation": 0.05,
    "vwap_max_participation": 0.25,
    "volume_window_minutes": 5,
    "participation_adjustment_factor": 0.5,
    "approving_agents": ("ComplianceAgent",),
    "max_replaces_per_minute": 120,
    "default_horizon_seconds": 600,
    "decision_wait_seconds": 5,
    "max_decision_age_seconds": 300,
    "assume_cancelled_seconds": 5,
    "allow_direct_orders": True,
    "journal_path": "data/quietfill.journal",
    "settle_ms": 250,
    "awaiting_quote_seconds": 10,
    "request_timeout_seconds": 5,
}
LEGACY = {
    "vwap_participation_rate": 0.1,
    "ack_timeout_seconds": 5.0,
    "partial_fill_alert_threshold_pct": 50.0,
    "partial_fill_time_window_seconds": 120,
    "zombie_order_timeout_seconds": 30.0,
    "zombie_check_interval_seconds": 5.0,
    "quality_score_weights": {"slippage": 0.5},
    "spread_limits": {},
    "max_spread_atr_pct": 0.10,
    "auto_stop_loss_enabled": False,
    "stop_loss_atr_multiplier": 2.0,
    "default_stop_loss_pct": 0.02,
}


def test_defaults_are_those_of_the_contract():
    """A configuration that states only a name has the documented defaults."""
    config = AgentConfig("exec")

    assert (config.enabled, config.timeout_seconds, config.shutdown_timeout_seconds) == (True, 30.0, 10.0)
    assert dict(config.parameters) == {}
    assert {key: getattr(config.settings, key) for key in CONTRACT} == CONTRACT


def test_settings_complete_what_was_given():
    """Typed access gives the stated value, or the default."""
    config = AgentConfig("exec", parameters={"max_slippage_bps": 20, "settle_ms": Decimal(1000)})

    assert config.settings.max_slippage_bps == 20
    assert config.settings.settle_ms == 1000
    assert config.settings.default_algo == "TWAP"
    assert config.parameters["max_slippage_bps"] == 20


def test_older_configurations_are_accepted_and_what_has_no_effect_is_listed():
    """Keys of older agents are honoured under today's name or reported as not used."""
    config = AgentConfig("exec", parameters=LEGACY)

    assert config.settings.vwap_target_participation == 0.1
    assert config.settings.request_timeout_seconds == 5.0
    assert config.engine_settings.silence == 30 * SECOND
    honoured = {
        "vwap_participation_rate",
        "ack_timeout_seconds",
        "zombie_order_timeout_seconds",
        "quality_score_weights",
    }
    assert set(config.unused) == set(LEGACY) - honoured


def test_an_older_name_gives_way_to_todays():
    """Where both are stated, today's name counts and the older one is listed as not used."""
    config = AgentConfig("exec", parameters={"ack_timeout_seconds": 3, "request_timeout_seconds": 4})

    assert config.settings.request_timeout_seconds == 4
    assert config.unused == ("ack_timeout_seconds",)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_slippage_bps", -1),
        ("max_slippage_bps", 12.5),
        ("max_slippage_bps", None),
        ("max_orders_per_minute", 0),
        ("min_order_interval_ms", True),
        ("slice_interval_seconds", float("nan")),
        ("slice_interval_seconds", float("inf")),
        ("slice_interval_seconds", 0),
        ("slice_interval_seconds", "60"),
        ("vwap_target_participation", 1.5),
        ("vwap_max_participation", -0.1),
        ("order_timeout_seconds", 0),
        ("approving_agents", "ComplianceAgent"),
        ("approving_agents", []),
        ("approving_agents", [1]),
        ("default_algo", ""),
        ("journal_path", ""),
        ("allow_direct_orders", 1),
        ("max_order_quantity", 0),
        ("max_open_orders", 0),
        ("spread_limits", 5),
    ],
)
def test_a_wrong_value_is_refused_with_key_range_and_value(key, value):
    """The message says which key, what it takes and what was given, in one line."""
    with pytest.raises(BadInput) as refused:
        AgentConfig("exec", parameters={key: value})

    text = str(refused.value)
    assert key in text
    assert described_keys()[key].expected in text
    assert "\n" not in text


def test_an_unknown_key_is_refused_with_the_nearest_known_one():
    """A slip of the keyboard is answered with what was probably meant."""
    with pytest.raises(ValueError, match="'max_slipage_bps', did you mean 'max_slippage_bps'"):
        AgentConfig("exec", parameters={"max_slipage_bps": 3})
    with pytest.raises(ValueError, match=r"unknown key 'qqqq'$"):
        AgentConfig("exec", parameters={"qqqq": 3})


def test_all_wrong_keys_are_named_at_once():
    """Nobody has to mend a configuration key by key."""
    with pytest.raises(BadInput, match=r"settle_ms.*; max_open_orders.*; unknown key 'zzz'"):
        AgentConfig("exec", parameters={"settle_ms": -1, "max_open_orders": -1, "zzz": 1})


@pytest.mark.parametrize(
    ("given", "bounds"),
    [
        ({}, (0.05, 0.10, 0.25)),
        ({"vwap_target_participation": 0.5}, (0.05, 0.5, 0.5)),
        ({"vwap_target_participation": 0.01}, (0.01, 0.01, 0.25)),
        ({"vwap_max_participation": 0.02}, (0.02, 0.02, 0.02)),
        ({"vwap_min_participation": 0.3}, (0.3, 0.3, 0.3)),
        ({"vwap_min_participation": 0.2, "vwap_max_participation": 0.4}, (0.2, 0.2, 0.4)),
    ],
)
def test_default_participation_bounds_give_way_to_stated_ones(given, bounds):
    """Stating one bound is enough: the defaults around it move."""
    settings = AgentConfig("exec", parameters=given).settings

    found = (settings.vwap_min_participation, settings.vwap_target_participation, settings.vwap_max_participation)
    assert found == bounds


def test_stated_participation_bounds_may_not_contradict_each_other():
    """Both keys are named."""
    with pytest.raises(BadInput, match=r"vwap_min_participation 0.3 is above vwap_max_participation 0.2"):
        AgentConfig("exec", parameters={"vwap_min_participation": 0.3, "vwap_max_participation": 0.2})


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", None),
        ("enabled", "yes"),
        ("timeout_seconds", 0),
        ("timeout_seconds", float("nan")),
        ("shutdown_timeout_seconds", -1),
        ("shutdown_timeout_seconds", "10"),
        ("parameters", [("settle_ms", 1)]),
        ("parameters", {1: 2}),
    ],
)
def test_a_wrong_field_is_refused_by_name(field, value):
    """The fields beside the parameters are checked too."""
    with pytest.raises(BadInput, match=field):
        AgentConfig(**dict[str, Any]({"name": "exec", field: value}))


def test_parameters_are_a_frozen_copy():
    """Neither the caller's dictionary nor the configuration's own can change it."""
    given = {"settle_ms": 500}
    config = AgentConfig("exec", parameters=given)

    given["settle_ms"] = 1

    assert config.parameters["settle_ms"] == 500
    with pytest.raises(TypeError):
        operator.setitem(cast("dict[str, Any]", config.parameters), "settle_ms", 1)


def test_paths_and_lists_are_read_as_what_they_mean():
    """A Path is a text, a list of names a tuple."""
    settings = AgentConfig(
        "exec", parameters={"journal_path": Path("x.journal"), "approving_agents": ["A", "B"]}
    ).settings

    assert settings.journal_path == "x.journal"
    assert settings.approving_agents == ("A", "B")


def test_the_engine_is_told_in_internal_numbers():
    """Seconds and milliseconds become nanoseconds, and every rate arrives."""
    config = AgentConfig(
        "exec", parameters={"max_orders_per_minute": 2700, "min_order_interval_ms": 0, "settle_ms": 0.5}
    )

    told = config.engine_settings

    assert (told.max_orders_per_minute, told.min_order_interval, told.settle) == (2700, 0, MILLISECOND // 2)
    assert (told.default_horizon, told.request_timeout) == (10 * MINUTE, 5 * SECOND)


def test_limits_are_given_in_internal_numbers():
    """Public shares and money become 1e-8 and 1e-9."""
    limits = AgentConfig("exec", parameters={"max_order_quantity": 1000, "max_order_notional": 2.5}).risk_limits

    assert limits.max_order_quantity == 1000 * QUANTITY_SCALE
    assert limits.max_order_notional == 2_500_000_000 == 2.5 * PRICE_SCALE
    assert AgentConfig("exec").risk_limits.max_order_quantity is None


def test_every_key_is_described():
    """Each key of the table has a meaning, a group and a default that it would itself accept."""
    rows = described_keys()

    assert set(rows) == set(Settings.__struct_fields__)
    assert all(row.meaning.endswith(".") and row.group for row in rows.values())
    assert msgspec.convert({key: row.default for key, row in rows.items()}, Settings) == Settings()
    assert all(row.alias_of in rows for row in rows.values() if row.alias_of)


def test_the_table_for_the_docs_has_a_row_for_each_key():
    """Nothing that can be set goes undocumented."""
    rows = re.findall(r"^\| `(\w+)` \|", config_table(), re.MULTILINE)

    assert rows == list(Settings.__struct_fields__)
    assert '| `default_algo` | `"TWAP"` |' in config_table()
