"""Reading recorded files: plain, gzip or zstandard by content; every fault is one line with file and row."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from quietfill.domain.errors import BadInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"


def read_bytes(path: Path) -> bytes:
    """Return the unpacked content of a file.

    Raises:
        BadInput: when it is missing, unreadable, empty, or torn.
    """
    try:
        packed = path.read_bytes()
    except FileNotFoundError:
        raise BadInput(f"{path}: no such file") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from None
    if not packed:
        raise BadInput(f"{path}: the file is empty")
    if packed.startswith(_ZSTD):
        return _unzstd(packed, path)
    if packed.startswith(_GZIP):
        try:
            return gzip.decompress(packed)
        except (EOFError, OSError, zlib.error) as error:
            raise BadInput(f"{path}: the gzip file is torn ({error})") from None
    if path.suffix in {".gz", ".zst"}:
        raise BadInput(f"{path}: named {path.suffix} but its content is not")
    return packed


def _unzstd(packed: bytes, path: Path) -> bytes:
    import zstandard

    parts: list[bytes] = []
    try:
        while packed:
            frame = zstandard.ZstdDecompressor().decompressobj()
            parts.append(frame.decompress(packed))
            if not frame.eof:
                raise BadInput(f"{path}: the zstandard file is torn")
            packed = frame.unused_data
    except zstandard.ZstdError as error:
        raise BadInput(f"{path}: the zstandard file is torn ({error})") from None
    return b"".join(parts)


class Table:
    """A CSV file as columns of text, with the file's own row numbers for messages.

    Args:
        header: whether the first line names the columns.
        width: how many columns each row must have; None takes the first row's.
        most: read no more than this many rows.
    """

    def __init__(self, path: Path, *, header: bool, width: int | None = None, most: int | None = None) -> None:
        self.path = path
        self.first_row = 2 if header else 1
        try:
            text = read_bytes(path).decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise BadInput(f"{path}: not a text file (byte {error.start})") from None
        lines = text if most is None else "\n".join(text.split("\n", most + 1)[: most + 1])
        try:
            rows = [row for row in csv.reader(io.StringIO(lines, newline=""), strict=True) if row]
        except csv.Error as error:
            raise BadInput(f"{path}: not a CSV file ({error})") from None
        if not rows:
            raise BadInput(f"{path}: the file is empty")
        self.names = rows.pop(0) if header else []
        self._check_widths(rows, width or len(self.names) or len(rows[0]))
        self.length = len(rows)
        self.columns: list[tuple[str, ...]] = list(zip(*rows, strict=True))

    def _check_widths(self, rows: list[list[str]], width: int) -> None:
        for number, row in enumerate(rows):
            if len(row) != width:
                what = f"{len(row)} columns instead of {width}"
                raise BadInput(f"{self.path} row {number + self.first_row}: {what}; the row is torn")

    def text(self, name: str | int) -> Sequence[str]:
        """Return one column as text, by name or position.

        Raises:
            BadInput: when there is no such column.
        """
        if isinstance(name, int):
            return self.columns[name] if self.columns else ()
        if name not in self.names:
            raise BadInput(f"{self.path}: no column {name!r} in its header")
        return self.columns[self.names.index(name)] if self.columns else ()

    def integers(self, name: str | int) -> NDArray[np.int64]:
        """Return one column as whole numbers.

        Raises:
            BadInput: names file, row and value where one is not.
        """
        values = self.text(name)
        try:
            return np.array(values, dtype=np.str_).astype(np.int64) if values else np.zeros(0, dtype=np.int64)
        except (ValueError, OverflowError):
            raise self._not_a_number(name, values, int) from None

    def floats(self, name: str | int) -> NDArray[np.float64]:
        """Return one column as finite numbers.

        Raises:
            BadInput: names file, row and value where one is not.
        """
        values = self.text(name)
        try:
            numbers = np.array(values, dtype=np.str_).astype(np.float64) if values else np.zeros(0)
        except ValueError:
            raise self._not_a_number(name, values, float) from None
        odd = np.flatnonzero(~np.isfinite(numbers))
        if len(odd):
            raise self.fault(int(odd[0]), name, values[int(odd[0])], "is not a finite number")
        return numbers

    def on_grid(self, name: str | int, step: int, scale: int, what: str) -> NDArray[np.int64]:
        """Return a decimal column in 1/*scale*, each value a multiple of *step*; float noise is rounded away.

        Raises:
            BadInput: names file, row and value that is not on the grid.
        """
        numbers = self.floats(name)
        steps = numbers * (scale / step)
        whole = np.rint(steps)
        odd = np.flatnonzero(np.abs(steps - whole) > _NOISE)
        if len(odd):
            row = int(odd[0])
            raise self.fault(row, name, self.text(name)[row], f"is not a multiple of the {what} {step / scale:g}")
        return whole.astype(np.int64) * step

    def fault(self, index: int, name: str | int, value: object, why: str) -> BadInput:
        """Return the error for one value, by its index among the rows."""
        column = name if isinstance(name, str) else f"column {name + 1}"
        return BadInput(f"{self.path} row {index + self.first_row}: {column} {value!r} {why}")

    def _not_a_number(self, name: str | int, values: Sequence[str], kind: type) -> BadInput:
        for index, value in enumerate(values):
            try:
                if abs(kind(value)) >= 2**63:
                    return self.fault(index, name, value, "is too large")
            except ValueError:
                return self.fault(index, name, value, "is not a number" if kind is float else "is not a whole number")
        raise AssertionError(f"{self.path}: column {name} failed as a whole, yet no value of it does")


_NOISE = 1e-3
"""By how much of a step a recorded decimal may miss the grid before it is called off it."""
