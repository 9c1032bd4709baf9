"""Live orders as a file: taken from one journal, taken over by another. The journal is the real durability."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quietfill.agent.face import AgentFace
from quietfill.agent.order_file import read_order_file, write_order_file
from quietfill.domain.messages import ImportOrders

if TYPE_CHECKING:
    import os

_DEFAULT = "data/pending_orders.json"


class FileMethods(AgentFace):
    """Export and import of live orders."""

    def persist_orders_to_file(self, filepath: str | os.PathLike[str] = _DEFAULT) -> int:
        """Write every live order, with all its records, to a file; atomic: the old file or the new one, never half.

        Returns:
            How many orders it holds.

        Raises:
            JournalError: when the journal cannot be read.
            OSError: when the file cannot be written.
        """
        return write_order_file(filepath, self.runtime.journal.read(), set(self._state.live))

    async def recover_orders_from_file(self, filepath: str | os.PathLike[str] = _DEFAULT) -> int:
        """Take over the orders of a file, settle them against the broker's word, and go on with them.

        Orders that are known here are left as they are here, and an alert says so.

        Returns:
            How many orders were taken over.

        Raises:
            FileNotFoundError: when there is no such file.
            BadInput: (a ValueError) naming what is wrong with it; the file and the agent are as before.
        """
        records = read_order_file(filepath)
        before = set(self._state.parents)
        await self.runtime.committed(self.runtime.submit(ImportOrders(records=records, by=self.config.name)))
        return len(set(self._state.parents) - before)
