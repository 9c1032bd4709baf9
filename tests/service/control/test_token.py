"""The token file: made for its owner alone, and not taken where anybody else could have read it."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from quietfill.domain.errors import BadInput
from quietfill.service.control.token import read_token, token_from

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECRET = "s3cret-" + "x" * 40

pytestmark = pytest.mark.skipif(os.name != "posix", reason="mode bits, links and pipes as POSIX has them")


def holding(content: bytes, mode: int = 0o600) -> Callable[[Path], None]:
    """Return what writes a file with this content and mode."""

    def write(path: Path) -> None:
        path.write_bytes(content)
        path.chmod(mode)

    return write


def link_to_good(path: Path) -> None:
    """Make a link to a file that would be taken."""
    holding(SECRET.encode())(path.with_name("good"))
    path.symlink_to(path.with_name("good"))


REFUSED = {
    "group may read": (holding(SECRET.encode(), 0o640), "others may read"),
    "others may read": (holding(SECRET.encode(), 0o604), "others may read"),
    "group may write": (holding(SECRET.encode(), 0o620), "others may read"),
    "a link": (link_to_good, "is a link"),
    "a link to nothing": (lambda path: path.symlink_to(path.with_name("none")), "is a link"),
    "empty": (holding(b""), "is empty"),
    "blank": (holding(b" \n\n"), "is empty"),
    "too short": (holding(b"s3cret\n"), "holds no token"),
    "too long": (holding(b"s3cret" * 1_000), "holds no token"),
    "two lines": (holding(SECRET.encode() + b"\n" + SECRET.encode()), "holds no token"),
    "not ASCII": (holding(("s3cret-ä" * 10).encode()), "holds no token"),
    "a folder": (lambda path: path.mkdir(mode=0o700), "is no plain file"),
    "a pipe": (os.mkfifo, "is no plain file"),
}


def test_a_missing_token_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    """The file has mode 0600 whatever the umask, 256 bits, no drafts beside it, and is the same at the next start."""
    path = tmp_path / "new" / "folder" / "control.token"
    before = os.umask(0)
    try:
        token = token_from(path)
    finally:
        os.umask(before)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(token) >= 43
    assert [one.name for one in path.parent.iterdir()] == ["control.token"]
    assert token_from(path) == read_token(path) == token


def test_two_tokens_differ(tmp_path: Path) -> None:
    """A token is drawn at random."""
    assert token_from(tmp_path / "a") != token_from(tmp_path / "b")


def test_starters_at_the_same_time_agree(tmp_path: Path) -> None:
    """Whoever comes second takes the token of the first, and nobody reads half of one."""
    path = tmp_path / "control.token"
    with ThreadPoolExecutor(8) as pool:
        tokens = set(pool.map(token_from, [path] * 32))

    assert tokens == {read_token(path)}
    assert [one.name for one in tmp_path.iterdir()] == ["control.token"]


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_that_is_not_safe_is_refused(tmp_path: Path, kind: str) -> None:
    """The message names the file and what is wrong with it, never what is in it, and the file stays as it is."""
    path = tmp_path / "control.token"
    make, problem = REFUSED[kind]
    make(path)

    for take in (token_from, read_token):
        with pytest.raises(BadInput, match=problem) as refused:
            take(path)
        assert str(path) in str(refused.value)
        assert "s3cret" not in str(refused.value)


def test_a_client_makes_no_token(tmp_path: Path) -> None:
    """A client that finds none says who makes it."""
    with pytest.raises(BadInput, match="`quietfill run` makes it"):
        read_token(tmp_path / "control.token")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """A token file below a file is an error of one line."""
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput, match="cannot be made"):
        token_from(tmp_path / "file" / "control.token")
