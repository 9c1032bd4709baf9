"""Records as bytes, and the chain that ties each to all before it.

Equal records give equal bytes in every process: fields in declared order, dict keys sorted. The chain
covers bodies and their order and nothing else - no wall clock, build or host - so that the same run
has the same head wherever it happens:

    digest(0) = SHA-256(tag)
    digest(n) = SHA-256(digest(n - 1) || n as 8 bytes, big endian || body(n))

A body keeps the schema version it was written under; up-casters bring older ones to the present.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec

from quietfill.domain.errors import JournalError
from quietfill.domain.records import SCHEMA_VERSION, AnyRecord

UpCaster: TypeAlias = Callable[[dict[str, Any]], dict[str, Any]]
"""Takes the plain JSON object of one schema version, returns that of the next."""

GENESIS = hashlib.sha256(b"quietfill journal").digest()
"""The digest before the first record."""

MAX_BODY_BYTES = 1 << 20
"""A larger record is refused: nothing of ours comes near it, so it is a text that grew without limit."""

UPCASTERS: Mapping[int, UpCaster] = {}
"""From which schema version to the next, for every version older than `SCHEMA_VERSION`."""


class DamagedError(JournalError):
    """A journal does not hold what was written to it.

    Attributes:
        sequence: the first record that is wrong or missing; 0 when the file as a whole cannot be read.
    """

    def __init__(self, source: str, sequence: int, problem: str) -> None:
        place = f" at record {sequence}" if sequence else ""
        super().__init__(f"{source}: damaged{place}: {problem}")
        self.sequence = sequence


class Codec:
    """Encodes records of one schema version and decodes those of that and all earlier ones."""

    def __init__(self, version: int = SCHEMA_VERSION, upcasters: Mapping[int, UpCaster] = UPCASTERS) -> None:
        missing = [old for old in range(1, version) if old not in upcasters]
        assert not missing, f"no up-caster for schema {missing}"
        self.version = version
        self._upcasters = upcasters
        # Any-typed dicts inside records keep insertion order otherwise, and the same run could differ.
        self._encode: Callable[[AnyRecord], bytes] = msgspec.json.Encoder(order="deterministic").encode
        self._decode: Callable[[bytes], AnyRecord] = msgspec.json.Decoder(AnyRecord).decode

    def encode(self, record: AnyRecord) -> bytes:
        """Return the body of *record*.

        Raises:
            JournalError: when it holds what JSON cannot, or is larger than `MAX_BODY_BYTES`.
        """
        try:
            body = self._encode(record)
        except (TypeError, ValueError, msgspec.MsgspecError) as error:
            raise JournalError(f"cannot write {type(record).__name__}: {error}") from error
        if len(body) > MAX_BODY_BYTES:
            raise JournalError(f"cannot write {type(record).__name__}: {len(body)} bytes, at most {MAX_BODY_BYTES}")
        return body

    def decode(self, body: bytes, version: int) -> AnyRecord:
        """Return the record that *body*, written under schema *version*, holds.

        Raises:
            JournalError: when the version is newer than ours, or the body is no record of that version.
        """
        if version > self.version:
            raise JournalError(f"written by a newer Quietfill (schema {version}, this one reads {self.version})")
        try:
            return self._decode(body) if version == self.version else self._upcast(body, version)
        except (msgspec.DecodeError, UnicodeDecodeError, LookupError, TypeError) as error:
            raise JournalError(f"not a record of schema {version}: {error}") from error

    def _upcast(self, body: bytes, version: int) -> AnyRecord:
        content = msgspec.json.decode(body, type=dict[str, Any])
        for step in range(version, self.version):
            content = self._upcasters[step](content)
        return msgspec.convert(content, AnyRecord)  # type: ignore[no-any-return]


class Chained(NamedTuple):
    """One record's body in its place in the chain."""

    sequence: int
    version: int
    body: bytes
    digest: bytes


class Chain:
    """The growing end of a chain: gives records their numbers and digests."""

    def __init__(self, sequence: int = 0, digest: bytes = GENESIS) -> None:
        self.sequence = sequence
        self.digest = digest

    @property
    def head(self) -> str:
        """The digest as hex text."""
        return self.digest.hex()

    def extend(self, records: Sequence[AnyRecord]) -> list[Chained]:
        """Take all of *records* in order, or none when one of them cannot be encoded.

        Raises:
            JournalError: see `Codec.encode`.
        """
        bodies = [CODEC.encode(record) for record in records]
        taken: list[Chained] = []
        for body in bodies:
            self.sequence += 1
            self.digest = link(self.digest, self.sequence, body)
            taken.append(Chained(self.sequence, CODEC.version, body, self.digest))
        return taken


def link(previous: bytes, sequence: int, body: bytes) -> bytes:
    """Return the digest of record number *sequence*, which follows the one with digest *previous*."""
    return hashlib.sha256(b"%b%b%b" % (previous, sequence.to_bytes(8, "big"), body)).digest()


CODEC = Codec()
"""The codec of the present schema version."""
