"""Leaves of the log: the three parts of an entry, and commitments to what is not public.

Rules:
- A leaf is RFC 8785 JSON of `{v, seq, at, type, stream, by, id, public, gate, sealed}`.
- For `gate` and `sealed` the leaf holds commitments only, one per field: HMAC-SHA256(32-byte salt, tag ||
  body), where tag is "sluicegate:v1:<part>:<field>:", whatever the `v`.
- `by`, `stream` and `id` are pseudonyms: they name no applicant and no person.
- A leaf has at most 65,535 bytes.
- A leaf of any version and type can be read. `sluicegate_record.entries` knows what its parts say.
- A leaf of a version that this build knows has exactly these fields. Another one needs another version. The
  three parts may get more fields without one.
"""

from __future__ import annotations

import base64
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from sluicegate_record.errors import VerificationFailed
from sluicegate_record.log import canonical, times

VERSIONS = (1,)
"""The versions of entries that this build knows, oldest first; it writes the newest."""
VERSION = VERSIONS[-1]
LEAF_BYTES_MAX = 65_535
GATE_BYTES_MAX = 16 * 1024 * 1024
"""How many bytes the gate part of an entry may have.

An entry too large for an answer of the feed would stop every gateway.
"""
SALT_BYTES = 32
_COMMITMENT = re.compile(r"[0-9a-f]{64}", re.ASCII)


class Entropy:
    """Fresh bytes for one command, drawn from one random seed, so that `decide` stays a pure function.

    Requires: `seed` is 32 random bytes, used for one command and then forgotten.
    """

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._drawn = 0

    def bytes(self) -> bytes:
        """The next 32 bytes."""
        self._drawn += 1
        return hmac.digest(self._seed, self._drawn.to_bytes(4, "big"), "sha256")

    def name(self, prefix: str) -> str:
        """A new pseudonym, such as `case_6n3v…`: 80 random bits."""
        return f"{prefix}_{base64.b32encode(self.bytes()[:10]).decode().lower()}"


@dataclass(frozen=True, slots=True)
class Opening:
    """The opening of a commitment: the salt, and the canonical JSON that it commits to."""

    salt: bytes
    body: bytes

    def value(self) -> Any:
        """The committed value."""
        return canonical.loads(self.body)

    def commitment(self, part: str, name: str) -> str:
        """The commitment to this opening as field `name` of `part`, as lower-case hex."""
        return hmac.digest(self.salt, _tag(part, name) + self.body, "sha256").hex()


@lru_cache(maxsize=4_096)
def _tag(part: str, name: str) -> bytes:
    return f"sluicegate:v1:{part}:{name}:".encode()


def opening(value: canonical.JsonValue, entropy: Entropy) -> Opening:
    """Commit to `value` under a fresh salt."""
    return Opening(entropy.bytes(), canonical.dumps(value))


class Leaf(NamedTuple):
    """A leaf that was read: `gate` and `sealed` hold commitments, lower-case hex, by field.

    Units: `seq` counts from 0 and is the leaf index; `at_ms` milliseconds since 1970 UTC.
    """

    seq: int
    at_ms: int
    type: str
    stream: str
    by: str
    id: str
    public: Mapping[str, Any]
    gate: Mapping[str, str]
    sealed: Mapping[str, str]
    v: int = VERSION

    def to_bytes(self) -> bytes:
        """The bytes that the log holds. Raises: NotCanonical: a public part outside `canonical.dumps`."""
        return canonical.dumps(
            {
                "v": self.v,
                "seq": self.seq,
                "at": times.format_time(self.at_ms),
                "type": self.type,
                "stream": self.stream,
                "by": self.by,
                "id": self.id,
                "public": self.public,
                "gate": self.gate,
                "sealed": self.sealed,
            }
        )


def read(data: bytes) -> Leaf:
    """Read a leaf back. Raises: NotCanonical; VerificationFailed: not an entry."""
    value = canonical.loads(data, max_bytes=LEAF_BYTES_MAX)
    if type(value) is not dict or type(value.get("v")) is not int:
        raise VerificationFailed("a leaf that is not an entry: expected an object with a version 'v'")
    try:
        found = _ALL(value)
    except KeyError:
        found = ()
    if tuple(map(type, found)) != _KINDS:
        raise _misshapen(value)
    seq, at, type_, stream, by, id_, public, gate, sealed, v = found
    leaf = Leaf(seq, times.parse_time(at), type_, stream, by, id_, public, gate, sealed, v)
    if v in VERSIONS:
        if len(value) > len(_FIELDS):
            raise _extended(value)
        if gate or sealed:
            _check_commitments(gate)
            _check_commitments(sealed)
    return leaf


def _extended(value: Mapping[str, Any]) -> VerificationFailed:
    extra = next(name for name in value if name not in _FIELDS)
    return VerificationFailed(
        f"an entry with the field {extra[:80]!r}, which version {value['v']} does not have"
    )


def _check_commitments(part: Mapping[str, Any]) -> None:
    for name, found in part.items():
        if type(found) is not str or not _COMMITMENT.fullmatch(found):
            raise VerificationFailed(f"an entry whose commitment to {name[:80]!r} is not 64 hex digits")


def _misshapen(value: Mapping[str, Any]) -> VerificationFailed:
    name, kind = next(each for each in _FIELDS.items() if type(value.get(each[0])) is not each[1])
    return VerificationFailed(f"an entry whose {name!r} is not of type {kind.__name__}")


def check(leaf: Leaf, part: str, openings: Mapping[str, Opening]) -> None:
    """Check that openings fit what a part (`gate`, `sealed`) commits to.

    Some may be missing: an auditor has none. Raises: VerificationFailed: one that is given does not fit.
    """
    committed: Mapping[str, str] = leaf.gate if part == "gate" else leaf.sealed
    for name, opened in openings.items():
        if committed.get(name) != opened.commitment(part, name):
            raise VerificationFailed(f"entry {leaf.seq}: {part} part {name!r} does not open its commitment")


_FIELDS: dict[str, type] = {
    "seq": int,
    "at": str,
    "type": str,
    "stream": str,
    "by": str,
    "id": str,
    "public": dict,
    "gate": dict,
    "sealed": dict,
    "v": int,
}
_KINDS = tuple(_FIELDS.values())
_ALL: Callable[[Mapping[str, Any]], tuple[Any, ...]] = itemgetter(*_FIELDS)
