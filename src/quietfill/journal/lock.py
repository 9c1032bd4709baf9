"""One writer per journal, by a lock that the operating system drops when its holder dies."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

from quietfill.domain.errors import JournalError

if sys.platform == "win32":
    import msvcrt

    # Others cannot read a locked byte there, so the one that is locked lies far behind the text.
    _LOCKED_BYTE = 1 << 30

    def _lock(file: int) -> None:
        os.lseek(file, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(str(error)) from error

else:
    import fcntl

    def _lock(file: int) -> None:
        # flock and not lockf: it also keeps out a second writer in the same process.
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


class WriterLock:
    """Holds `PATH.lock` from construction to `release`; the file says who holds it.

    Raises:
        JournalError: when another holder, in this process or any other, is alive.
    """

    def __init__(self, journal: Path) -> None:
        self._path = journal.with_name(journal.name + ".lock")
        try:
            self._file = self._take()
        except BlockingIOError:
            raise JournalError(f"{journal}: in use by another writer ({self._holder()})") from None
        except OSError as error:
            raise JournalError(f"{self._path}: {error.strerror or error}") from error

    def note(self, epoch: int) -> None:
        """Write down who holds the lock, for the message that a second writer gets."""
        os.ftruncate(self._file, 0)
        os.lseek(self._file, 0, os.SEEK_SET)
        os.write(self._file, f"process {os.getpid()}, epoch {epoch}\n".encode())

    def release(self) -> None:
        """Let go, and leave no file behind."""
        if sys.platform == "win32":
            os.close(self._file)  # an open file cannot be removed there
            with suppress(OSError):
                self._path.unlink()
        else:
            self._path.unlink(missing_ok=True)
            os.close(self._file)

    def _take(self) -> int:
        while True:
            file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
            try:
                _lock(file)
                if _is_same(file, self._path):
                    return file
            except OSError:
                os.close(file)
                raise
            os.close(file)  # its holder removed it between our open and our lock

    def _holder(self) -> str:
        try:
            return self._path.read_text(encoding="utf-8").strip() or "starting"
        except OSError:
            return "unknown"


def _is_same(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False
