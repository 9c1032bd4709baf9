"""A check: one guarantee that the engine relies on, with a way to see whether a broker keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from quietfill.testing.conformance.desk import Desk
from quietfill.testing.conformance.stage import Ability

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from quietfill.testing.conformance.stage import BrokerStage

    Scene: TypeAlias = Callable[[Desk], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Check:
    """One guarantee.

    Attributes:
        name: how it is chosen and listed.
        guarantee: what a broker must do, in a sentence.
        why: what goes wrong in the engine where it does not.
        needs: abilities without which it cannot be seen.
        scene: what is asked and expected, at a desk.
        opens: whether the session is open before the scene begins.
    """

    name: str
    guarantee: str
    why: str
    needs: frozenset[Ability]
    scene: Scene
    opens: bool = True

    def reason_to_skip(self, stage: BrokerStage) -> str | None:
        """Return why this cannot be seen on a stage, in the implementer's words; None when it can."""
        lacking = [ability for ability in Ability if ability in self.needs and ability in stage.lacks]
        return "; ".join(f"no {ability.value}: {stage.lacks[ability]}" for ability in lacking) or None

    async def run(self, stage: BrokerStage) -> None:
        """See whether the broker on a fresh stage keeps the guarantee; what then still works is cancelled.

        Raises:
            ConformanceFailure: when it does not.
        """
        desk = Desk(stage, self.why)
        try:
            if self.opens:
                await desk.open()
                if Ability.BOOKS not in stage.lacks:
                    await desk.until(lambda: _has_touch(stage), "a book with both sides after connecting")
            await self.scene(desk)
        finally:
            await desk.leave()


def _has_touch(stage: BrokerStage) -> bool:
    return stage.book is not None and bool(stage.book.bids and stage.book.asks)


class Subject:
    """The checks of one subject, in the order in which they are written."""

    def __init__(self) -> None:
        """Start with none."""
        self.checks: list[Check] = []

    def check(
        self, guarantee: str, *, why: str, needs: tuple[Ability, ...] = (), opens: bool = True
    ) -> Callable[[Scene], Scene]:
        """Make a scene a check; its name is the function's."""

        def register(scene: Scene) -> Scene:
            name = getattr(scene, "__name__", "").replace("_", "-")
            made = Check(name=name, guarantee=guarantee, why=why, needs=frozenset(needs), scene=scene, opens=opens)
            self.checks.append(made)
            return scene

        return register
