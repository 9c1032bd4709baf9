"""Codes about everything: the line, the farms of market data, and our pace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from quietfill.brokers.ib.codes import Effect, code_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from quietfill.brokers.ib.connection import Connection
    from quietfill.brokers.ib.markets import Markets
    from quietfill.brokers.ib.raw import ErrorSeen

_log = structlog.get_logger(__name__)


class HouseCodes:
    """Does what codes ask for that name no question, order or subscription.

    Args:
        slow_down: called when the gateway says that we are too fast.
        notice: tells a person.
    """

    def __init__(
        self,
        connection: Connection,
        markets: Markets,
        slow_down: Callable[[], None],
        notice: Callable[[str, str], None],
    ) -> None:
        """Do nothing yet."""
        self._connection = connection
        self._markets = markets
        self._slow_down = slow_down
        self._notice = notice

    def hear(self, seen: ErrorSeen) -> None:
        """Do what a code asks for."""
        text = f"{seen.text} ({seen.code})"
        match code_of(seen.code).effect:
            case Effect.LINE_LOST:
                self._connection.cut(text)
            case Effect.LINE_BACK_DATA_LOST:
                self._connection.restored(text)
                self._markets.request_anew()
            case Effect.LINE_BACK:
                self._connection.restored(text)
                self._markets.watch()
            case Effect.DATA_LOST:
                self._markets.farm(is_up=False)
            case Effect.DATA_BACK:
                self._markets.farm(is_up=True)
            case Effect.SLOW_DOWN:
                self._slow_down()
                self._notice("gateway", text)
            case _:
                _log.info("the gateway says", subject=seen.subject, code=seen.code, text=seen.text)
