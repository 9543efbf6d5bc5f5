"""Entries that no rule made, read back from the bytes of their leaves.

A test says what matters of an entry; what else its type needs is filled in with words that mean nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluicegate.core.access import feed
from sluicegate.core.access.feed import Signer
from sluicegate_record import entries
from sluicegate_record.entries import TYPES, Entry
from sluicegate_record.entries.body import layout_of
from sluicegate_record.log import canonical, dsse
from sluicegate_record.log import leaf as leaves
from sluicegate_record.log.leaf import VERSION, Entropy, Leaf, Opening

NO_OPENINGS: Mapping[str, Opening] = {}
SOME_TIME = "2026-06-24T00:00:00.000Z"
_DIGEST = "sha256:" + "0" * 64
_FILLED: dict[str, Any] = {
    "agency": "nobody",
    "case": "case_none",
    "conditions": {},
    "digest": _DIGEST,
    "envelope": {"payload": "e30=", "payloadType": "t", "signatures": [{"keyid": "k", "sig": "AA=="}]},
    "gateway": "gateway-none",
    "issuer": "oncd",
    "kind": "admission",
    "log": "log",
    "officer": "officer",
    "outcome": "denied",
    "owner": "owner",
    "party": "party",
    "position": "approve",
    "reason": "",
    "reasonCode": "misuse",
    "replyBy": SOME_TIME,
    "rule": {"allOf": ["nobody"]},
    "signedBy": "oncd",
    "surface": "api",
    "validFrom": SOME_TIME,
    "validUntil": None,
}
"""What a field says where a test does not."""
_SPEC: dict[str, Any] = {
    "issuer": "oncd",
    "action": "suspend",
    "models": [],
    "surfaces": "all",
    "covers": "everyone",
    "reasons": {"form": "none"},
    "liftedBy": {"allOf": ["oncd"]},
}


def forged(
    type_: str,
    public: Mapping[str, Any],
    gate: Mapping[str, Opening] = NO_OPENINGS,
    sealed: Mapping[str, Opening] = NO_OPENINGS,
    *,
    seq: int,
    at_ms: int,
    stream: str = "forged",
    by: str = "tester",
    command: str = "forged",
    v: int = VERSION,
) -> Entry:
    """The entry that says exactly this."""
    leaf = Leaf(
        seq,
        at_ms,
        type_,
        stream,
        by,
        command,
        public,
        {name: opened.commitment("gate", name) for name, opened in gate.items()},
        {name: opened.commitment("sealed", name) for name, opened in sealed.items()},
        v,
    )
    return entries.read(leaf.to_bytes(), gate, sealed)


def told(
    entry: Entry,
    public: Mapping[str, Any],
    gate: Mapping[str, Opening] = NO_OPENINGS,
    *,
    type_: str = "",
    seq: int | None = None,
    at_ms: int | None = None,
    v: int | None = None,
) -> Entry:
    """An entry with other words; its place, time and version are the same unless they are said here."""
    return forged(
        type_ or entry.type,
        {**entry.public, **public},
        {**entry.gate, **gate},
        entry.sealed,
        seq=entry.seq if seq is None else seq,
        at_ms=entry.at_ms if at_ms is None else at_ms,
        stream=entry.stream,
        by=entry.by,
        command=entry.id,
        v=entry.v if v is None else v,
    )


def openings(values: Mapping[str, Any], entropy: Entropy) -> dict[str, Opening]:
    """What opens commitments to these values."""
    return {name: leaves.opening(value, entropy) for name, value in values.items()}


def public_of(entry: Entry) -> Mapping[str, Any]:
    """The public part of an entry, read from its leaf; not to be changed."""
    return _parsed(entry.leaf)


@cache
def _parsed(leaf: bytes) -> Mapping[str, Any]:
    return leaves.read(leaf).public


def gate_value(entry: Entry, name: str) -> Any:
    """A value of an entry's gate part; not to be changed."""
    return _value_of(entry.gate[name].body)


@cache
def _value_of(body: bytes) -> Any:
    return canonical.loads(body, max_bytes=len(body))


def filled(type_: str, public: Mapping[str, Any]) -> dict[str, Any]:
    """A public part with all that its type needs."""
    said = dict(public)
    if type_ == "directive.issued":
        said["document"] = _document(said)
    if type_ == "case.opened":
        said["question"] = _question(said)
    if type_ == "directive.lifted":
        said.setdefault("case", None)
    needed = [each.key for each in layout_of(TYPES[type_]).public if each.is_required]
    return {**{key: _FILLED[key] for key in needed if key not in said}, **said}


def _document(said: Mapping[str, Any]) -> dict[str, Any]:
    given = said["document"]
    spec = {**_SPEC, **given["spec"]}
    spec["basis"] = {"kind": "order", "authority": "a letter", **spec.get("basis", {})}
    metadata = {"name": said["directive"], "log": "log", **given.get("metadata", {})}
    return {"apiVersion": "sluicegate/v1", "kind": "Directive", **given, "metadata": metadata, "spec": spec}


def _question(said: Mapping[str, Any]) -> dict[str, Any]:
    asked = ("case", "kind", "release", "stage", "surface", "directive")
    about = {name: said[name] for name in asked if name in said}
    given = said.get("question", {})
    return {"log": "log", **about, **given}


_ANSWER = feed.SignedAnswer(
    gateway="g",
    incarnation="i",
    nonce="n",
    after=0,
    size=0,
    root=bytes(32),
    control_ms=0,
    lease_ms=0,
    age_ms=0,
)


def answer_json(
    signed: Mapping[str, Any], entries: Sequence[Entry], key: Ed25519PrivateKey
) -> dict[str, Any]:
    """An answer of the feed with whatever fields are given, signed as they are."""
    signature = key.sign(dsse.pae(feed.PAYLOAD_TYPE, canonical.dumps(dict(signed))))
    made = feed.answer_json(_ANSWER, entries, Signer(key))
    return {**signed, "entries": made["entries"], "sig": canonical.b64(signature)}
