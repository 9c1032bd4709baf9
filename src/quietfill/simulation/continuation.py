"""May a journal be continued, and with what was its run begun?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from quietfill.domain.errors import BadInput, JournalError
from quietfill.domain.records import RunEnded, RunStarted
from quietfill.journal.codec import DamagedError
from quietfill.journal.inspect import entries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from quietfill.domain.records import AnyRecord


def continued(path: Path, run: str) -> list[AnyRecord]:
    """Return the records of a run that did not end; none for a journal that is still to be made.

    Args:
        path: the journal.
        run: what kind of run it must be of, as its first record says.

    Raises:
        BadInput: when it is the journal of another run, or of one that ended.
        JournalError: when the file is damaged.
    """
    if not path.exists():
        return []
    try:
        past = [entry.record for entry in entries(path)]
    except DamagedError:
        raise
    except JournalError:
        return []  # opening it for writing tells a journal that was hardly begun from a file that is not ours
    runs = [record for record in past if isinstance(record, (RunStarted, RunEnded))]
    if past and not (isinstance(past[0], RunStarted) and past[0].details.get("run") == run):
        raise BadInput(f"{path}: is not the journal of a {run}, so there is nothing to continue")
    if runs and isinstance(runs[-1], RunEnded):
        raise BadInput(f"{path}: the run has ended ({runs[-1].reason}); nothing is left to continue")
    return past


def begun_with(past: Sequence[AnyRecord], wanted: dict[str, Any], path: Path, *, seed_given: bool) -> dict[str, Any]:
    """Return the details that the run of *past* was begun with, which it must go on with.

    Args:
        past: a journal whose first record starts a run.
        wanted: the details of a new run as the user asks for it.
        path: named in errors.
        seed_given: whether the user named the seed; else the journal's is taken.

    Raises:
        BadInput: naming what the user asks for and the run was not begun with.
    """
    first = past[0]
    assert isinstance(first, RunStarted), "a run's journal begins with its start"
    begun = first.details
    if begun.get("tape_sha256") != wanted["tape_sha256"]:
        raise BadInput(f"{path}: was recorded on another market than the one that this Quietfill carries")
    if seed_given and begun.get("seed") != wanted["seed"]:
        raise BadInput(f"{path}: was begun with seed {begun.get('seed')} and cannot go on with seed {wanted['seed']}")
    if begun.get("extra_algo") != wanted["extra_algo"]:
        how = f"with algo {begun.get('extra_algo')}" if begun.get("extra_algo") else "without --algo"
        raise BadInput(f"{path}: was begun {how} and can only go on so")
    return begun
