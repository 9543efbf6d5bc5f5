"""An excerpt of a log: some entries, and proofs that they are in the log of a signed head.

Rules:
- It shows that these entries are in the log, at these places, with these times. It does not show that no
  other entry changes what they come to: for that, read the whole log.
- The type and time beside a leaf, for a person to read, are compared with the leaf.
- If the log's key was replaced, the handovers are beside the head. Any key of the log leads to the one that
  signed the head; where officers replaced it, only the new key does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sluicegate_record.copy import read_file
from sluicegate_record.entities.logkey import KnownLog, follow
from sluicegate_record.errors import InvalidInput, NotCanonical, VerificationFailed
from sluicegate_record.form import Json
from sluicegate_record.log import canonical, checkpoint, leaf, merkle, times
from sluicegate_record.log.checkpoint import Checkpoint, Verifier
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.leaf import Leaf
from sluicegate_record.terms.text import counted, shown

FILE_BYTES_MAX = 64 << 20
ENTRIES_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Excerpt:
    """The entries of an excerpt that was verified, in their order, the head of their log, and the log."""

    head: Checkpoint
    entries: tuple[Leaf, ...]
    log: KnownLog


def read(path: Path, verifier: Verifier) -> Excerpt:
    """Verify the excerpt in a file, such as the answer of `explain --json`.

    Raises: InvalidInput: it cannot be read. VerificationFailed: as `verify`.
    """
    return verify(load(path), verifier)


def load(path: Path) -> Json:
    """What a file of JSON says. It is laid out for people, so it is not canonical. Raises: InvalidInput."""
    try:
        data = read_file(path, FILE_BYTES_MAX)
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{str(path)[:80]!r}: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > FILE_BYTES_MAX:
        raise InvalidInput(f"{str(path)[:80]!r}: more than {FILE_BYTES_MAX >> 20} MiB")
    try:
        found: Json = canonical.loads(data, max_bytes=FILE_BYTES_MAX, floats=True)
    except NotCanonical as error:
        raise InvalidInput(f"not an excerpt of a log: {error.message}") from error
    return found


def verify(value: Json, verifier: Verifier) -> Excerpt:
    """Verify an excerpt: `checkpoint`, a signed head, and `entries`, each `{seq, leaf, proof}`; with
    `handovers`, envelopes, if the log's key was replaced.

    Raises: InvalidInput: not such an object. BadCheckpoint: the key did not sign the head, nor does it lead
            to the one that did. BadEnvelope: not a handover. BadProof: an entry is not in its log.
            VerificationFailed: a leaf is not what is said of it.
    """
    if not isinstance(value, Mapping) or type(value.get("checkpoint")) is not str:
        raise InvalidInput("not an excerpt of a log: an object with a 'checkpoint' expected")
    rows = value.get("entries")
    if type(rows) is not list or len(rows) > ENTRIES_MAX:
        raise InvalidInput(f"not an excerpt of a log: 'entries', at most {ENTRIES_MAX:,}, expected")
    handovers = value.get("handovers", [])
    if type(handovers) is not list or len(handovers) > ENTRIES_MAX:
        raise InvalidInput("not an excerpt of a log: 'handovers' that are no list")
    known = checkpoint.vkey(verifier.name, verifier.public)
    log = follow(known, [Envelope.from_json(each) for each in handovers])
    head = checkpoint.open_checkpoint(str(value["checkpoint"]), log.verifier)
    return Excerpt(head, tuple(sorted((_entry(row, head) for row in rows), key=_seq)), log)


def answer(found: Excerpt) -> dict[str, Json]:
    """A verified excerpt as JSON."""
    entries: list[Json] = [
        {"seq": each.seq, "at": times.format_time(each.at_ms), "type": each.type} for each in found.entries
    ]
    return {
        "ok": True,
        "log": found.head.origin,
        "size": found.head.size,
        "root": found.head.root.hex(),
        "entries": entries,
    }


def worded(found: Excerpt) -> str:
    """A verified excerpt for a person to read, in lines that a terminal may safely show."""
    many = counted(len(found.entries), "entry is", "entries are")
    size = counted(found.head.size, "entry", "entries")
    lines = [f"verified: {many} in the log {found.head.origin}, in its signed head of {size}"]
    lines += [f"  {each.seq:>6}  {times.format_time(each.at_ms)}  {each.type}" for each in found.entries]
    return "\n".join(map(shown, lines))


def _entry(row: Json, head: Checkpoint) -> Leaf:
    """An entry that is in the log of a head. Raises: as `verify`."""
    seq, text, proof = _parts(row)
    data = text.encode()
    merkle.verify_inclusion(merkle.leaf_hash(data), seq, head.size, proof, head.root)
    found = leaf.read(data)
    beside: Any = row
    said = {"seq": found.seq, "type": found.type, "at": times.format_time(found.at_ms)}
    for name, each in said.items():
        if beside.get(name, each) != each:
            raise VerificationFailed(f"entry {seq}: {name} {beside[name]!r} beside it, in its leaf {each!r}")
    return found


def _seq(found: Leaf) -> int:
    return found.seq


def _parts(row: Json) -> tuple[int, str, Sequence[bytes]]:
    found: Any = row if isinstance(row, Mapping) else {}
    seq, text, proof = found.get("seq"), found.get("leaf"), found.get("proof")
    if type(seq) is not int or type(text) is not str or type(proof) is not list:
        raise InvalidInput("an entry of an excerpt without its 'seq', 'leaf' and 'proof'")
    try:
        return seq, text, [canonical.unb64(each) for each in proof]
    except (NotCanonical, TypeError, AttributeError) as error:
        raise InvalidInput(f"entry {seq}: a proof that is not base64") from error
