"""How patient the edge is and how fast it may talk, with defaults that suit a gateway on this machine."""

from __future__ import annotations

import msgspec

from quietfill.brokers.ib.quiet_windows import read_quiet_windows
from quietfill.domain.errors import BadInput
from quietfill.domain.types import SECOND, Duration


class Patience(msgspec.Struct, frozen=True):
    """How long what should follow may take before it is asked for."""

    end: Duration = SECOND
    fills: Duration = 3 * SECOND
    reference: Duration = 5 * SECOND


class IBSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one session with Interactive Brokers; seconds are wall seconds.

    Attributes:
        connect_seconds: until the gateway must have taken the session up.
        step_seconds, survey_seconds: until one question, and all of a reconciliation, must be answered.
        probe_seconds: silence after which the gateway is asked for a sign of life; `probe_answer_seconds` for the
            answer, and after `probe_misses` of them the line is cut.
        silence_seconds: silence after which nothing that adds risk is sent before such a sign.
        retry_seconds, longest_retry_seconds: first and longest pause before a lost session is opened again.
        messages_per_second: of all kinds; the gateway takes 50.
        cancel_reserve: of these, kept for cancels and questions.
        working_per_side: open orders per contract, side and account; Interactive Brokers takes 20.
        efficiency_warning: the order-efficiency ratio of a day, (orders + modifications + cancels) / (orders executed
            + 1), from which a person is told; Interactive Brokers calls more than 20 excessive.
        efficiency_limit: the ratio at which nothing that adds risk is sent until orders trade or the day in New York is
            over; 0 for no limit.
        efficiency_free: messages about orders a day before either counts.
        patience: how long what should follow may take before it is asked for.
        quote_grace_seconds: how long quotes count after their farm broke.
        quote_watch_seconds: after a broken line, until quotes must flow again or are requested anew.
        tick_by_tick: whether each trade is told by itself, where a subscription says nothing of it; the broker allows
            that for a few symbols at a time.
        tws_timezone: of the gateway, for those too old to name it with each execution; and of quiet windows.
        quiet_windows: when nothing that adds risk is sent, such as `23:40-23:55 America/New_York` every day, or
            `Fri 22:55-Sat 03:05 America/New_York`; cancels leave all the same.
    """

    connect_seconds: float = 5.0
    step_seconds: float = 4.0
    survey_seconds: float = 9.0
    probe_seconds: float = 10.0
    probe_answer_seconds: float = 2.0
    probe_misses: int = 2
    silence_seconds: float = 5.0
    retry_seconds: float = 0.5
    longest_retry_seconds: float = 30.0
    messages_per_second: int = 45
    cancel_reserve: int = 5
    working_per_side: int = 20
    efficiency_warning: float = 20.0
    efficiency_limit: float = 0.0
    efficiency_free: int = 500
    patience: Patience = Patience()
    quote_grace_seconds: float = 5.0
    quote_watch_seconds: float = 10.0
    tick_by_tick: bool = False
    tws_timezone: str = ""
    quiet_windows: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what could not work."""
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if name.endswith("_seconds") and not value > 0:
                raise BadInput(f"{name} must be positive, not {value}")
        if not 0 <= self.cancel_reserve < self.messages_per_second <= _MOST:
            text = f"{self.messages_per_second} with {self.cancel_reserve} in reserve"
            raise BadInput(f"messages_per_second must be at most {_MOST} and above cancel_reserve, not {text}")
        read_quiet_windows(self.quiet_windows, self.tws_timezone)
        for name in ("efficiency_warning", "efficiency_limit", "efficiency_free"):
            if not getattr(self, name) >= 0:
                raise BadInput(f"{name} must not be negative, not {getattr(self, name)}")
        for name in ("probe_misses", "working_per_side"):
            if getattr(self, name) < 1:
                raise BadInput(f"{name} must be at least 1, not {getattr(self, name)}")


_MOST = 50
