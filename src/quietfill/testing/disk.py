"""A disk under SQLite that fails when it is told to.

    disk = FaultyDisk()
    journal = SqliteJournal(path, vfs=disk.name)
    disk.fail_syncs()

Faults are those that real disks show: full, a failed write, a write torn in the middle, a failed sync.
"""

from __future__ import annotations

from itertools import count
from typing import Any

import apsw

_NUMBERS = count(1)


class FaultyDisk:
    """A registered SQLite VFS over the ordinary one; it also counts what reached the disk.

    Attributes:
        name: by which SQLite opens files on it.
        writes, syncs: calls so far, the failed ones too.
    """

    def __init__(self) -> None:
        self.name = f"quietfill-faulty-{next(_NUMBERS)}"
        self.writes = 0
        self.syncs = 0
        self._write_fault: type[apsw.Error] | None = None
        self._sync_fault: type[apsw.Error] | None = None
        self._tears = False
        self._vfs = _Vfs(self)

    def fill(self) -> None:
        """Let no write succeed from now on: no space left."""
        self._write_fault = apsw.FullError

    def fail_writes(self, *, torn: bool = False) -> None:
        """Let no write succeed from now on; a torn one leaves its first half on the disk."""
        self._write_fault, self._tears = apsw.IOError, torn

    def fail_syncs(self) -> None:
        """Let no sync succeed from now on."""
        self._sync_fault = apsw.IOError

    def mend(self) -> None:
        """Let everything succeed again."""
        self._write_fault = self._sync_fault = None
        self._tears = False

    def torn_length(self, length: int) -> int:
        """Return how many bytes of a write of *length* reach the disk, after counting it.

        Raises:
            apsw.Error: when the write fails and leaves nothing.
        """
        self.writes += 1
        if self._write_fault is not None and not self._tears:
            raise self._write_fault("injected")
        return length if self._write_fault is None else length // 2

    def sync(self) -> None:
        """Count a sync.

        Raises:
            apsw.Error: when it fails.
        """
        self.syncs += 1
        if self._sync_fault is not None:
            raise self._sync_fault("injected")


class _Vfs(apsw.VFS):
    def __init__(self, disk: FaultyDisk) -> None:
        self._disk = disk
        super().__init__(disk.name, "")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:  # noqa: N802 - SQLite's name
        return _File(self._disk, name, flags)


class _File(apsw.VFSFile):
    def __init__(self, disk: FaultyDisk, name: Any, flags: list[int]) -> None:
        self._disk = disk
        super().__init__("", name, flags)

    def xWrite(self, data: Any, offset: int) -> None:  # noqa: N802 - SQLite's name
        whole = len(data)
        length = self._disk.torn_length(whole)
        super().xWrite(data[:length], offset)
        if length < whole:
            raise apsw.IOError("injected")

    def xSync(self, flags: int) -> None:  # noqa: N802 - SQLite's name
        self._disk.sync()
        super().xSync(flags)
