"""What a configuration says of its instruments reaches the agent and the gateway."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from quietfill.bootstrap.service import open_service
from quietfill.domain.types import quantity_from
from quietfill.service.config import read_config
from tests.gateway.client import paper, play

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
[broker]
kind = "ib"
port = {port}
recorded = true

[control]
port = 0

[instruments.steel]
symbol = "600961"
currency = "CNY"
depth = 5
average_daily_volume = 30000000.0
daily_volatility = 0.02
"""


def test_a_name_of_the_desks_own_depth_and_estimates(tmp_path: Path) -> None:
    """An instrument goes by the name in the file, with the rows asked for and the estimates stated."""

    async def scenario() -> None:
        async with paper() as gateway:
            (tmp_path / "desk.toml").write_text(CONFIG.format(port=gateway.port))
            service = await open_service(read_config(tmp_path / "desk.toml"), digest="")
            seen: dict[str, int] = {}

            def ready() -> None:
                engine = service.agent.runtime.engine
                instrument = engine.state.instruments["steel"]
                assert instrument.average_daily_volume == quantity_from(30_000_000)
                assert instrument.daily_volatility == 0.02
                service.agent.runtime.on_book(lambda book: look(book.symbol, len(book.bids), len(book.asks)))

            def look(symbol: str, bids: int, asks: int) -> None:
                seen[symbol] = max(seen.get(symbol, 0), min(bids, asks))
                if seen[symbol] == 5:
                    service.stop()

            running = asyncio.ensure_future(service.run(ready))
            while not running.done():
                await gateway.play(1)
            await running
        assert seen == {"steel": 5}

    play(scenario)
