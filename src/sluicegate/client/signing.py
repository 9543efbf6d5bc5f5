"""Signing with a party's own key, on the machine where the key is; nothing here needs a network."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluicegate.core import statements
from sluicegate.core.directives import directive as directives
from sluicegate.core.people.persons import Definition
from sluicegate.core.statements import (
    Enforcement,
    Note,
    Pointing,
    Position,
    Schedule,
    Screening,
)
from sluicegate.errors import InvalidInput, VerificationFailed
from sluicegate.store import keyfile
from sluicegate_record.log import canonical, dsse, times
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.events import Opening
from sluicegate_record.terms import kinds
from sluicegate_record.terms.plan import Plan


def private_key(path: Path) -> Ed25519PrivateKey:
    """The key in a file; SLUICEGATE_PASSPHRASE opens an encrypted one."""
    return keyfile.load_private(path, passphrase())


def signed(payload: bytes, key: Ed25519PrivateKey) -> dict[str, Any]:
    """A DSSE envelope over a statement."""
    return dsse.sign(dsse.PAYLOAD_TYPE_INTOTO, payload, key).to_json()


@dataclass(frozen=True, slots=True)
class Said:
    """What a reviewer says: a position, why, on which conditions; `is_sealed` if the reason is not public."""

    word: str
    reason: str = ""
    conditions: dict[str, Any] | None = None
    is_sealed: bool = False


def position(exported: Mapping[str, Any], said: Said, key: Ed25519PrivateKey) -> dict[str, Any]:
    """The signed position of the key's party in an exported case, as `review import` takes it.

    Raises: InvalidInput: the key is of nobody who is asked, or `said` is no position.
    """
    party = party_of(exported, key)
    opened = Opening(secrets.token_bytes(32), canonical.dumps(said.reason)) if said.is_sealed else None
    stated = Position(
        exported["question"],
        party,
        said.word,
        "" if said.is_sealed else said.reason,
        exported["previous"].get(party),
        said.conditions,
        opened.commitment("sealed", "reason") if opened else None,
    )
    envelope = signed(statements.position_payload(stated), key)
    statements.read_position(Envelope.from_json(envelope))
    return _with_opened(envelope, opened)


def schedule(exported: Sequence[Mapping[str, Any]], said: Said, key: Ed25519PrivateKey) -> dict[str, Any]:
    """One signed position in several exported cases. Raises: InvalidInput: as `position`."""
    parties = {party_of(each, key) for each in exported}
    if len(parties) != 1 or said.is_sealed or said.conditions:
        raise InvalidInput("a schedule is of one party, its reason public and without conditions")
    (party,) = parties
    cases = [
        {
            "case": each["question"]["case"],
            "question": canonical.digest(each["question"]),
            "previous": each["previous"].get(party),
        }
        for each in exported
    ]
    stated = Schedule(exported[0]["question"]["log"], party, said.word, said.reason, cases)
    envelope = signed(statements.schedule_payload(stated), key)
    statements.read_schedule(Envelope.from_json(envelope))
    return envelope


def countersigned(given: Mapping[str, Any], key: Ed25519PrivateKey) -> dict[str, Any]:
    """The same statement with one more signature. Raises: BadEnvelope; InvalidInput: signed by it already."""
    inner = given.get("envelope", given)
    envelope = Envelope.from_json(inner)
    added = dsse.sign(envelope.payload_type, envelope.payload, key).signatures
    if any(mine.keyid == known.keyid for mine in added for known in envelope.signatures):
        raise InvalidInput("this key has signed it already", remedy="countersign with another owner's key")
    both = Envelope(envelope.payload_type, envelope.payload, (*envelope.signatures, *added)).to_json()
    return {**given, "envelope": both} if "envelope" in given else both


def receipt(exported: Mapping[str, Any], key: Ed25519PrivateKey) -> dict[str, Any]:
    """The signed receipt of an exported case. Raises: InvalidInput: the key is of nobody who is asked."""
    return signed(statements.receipt_payload(exported["question"], party_of(exported, key)), key)


def proceeding(exported: Mapping[str, Any], reason: str, key: Ed25519PrivateKey) -> dict[str, Any]:
    """An officer's signed decision to proceed; a second officer countersigns it."""
    envelope = signed(statements.proceeding_payload(exported["question"], reason), key)
    statements.read_proceeding(Envelope.from_json(envelope))
    return envelope


def screening(
    exported: Mapping[str, Any], found: Mapping[str, str], candidates: list[Any], key: Ed25519PrivateKey
) -> dict[str, Any]:
    """A signed screening decision; `found` holds `list, version, decision, reason`."""
    opened = Opening(secrets.token_bytes(32), canonical.dumps(candidates))
    commitment = opened.commitment("sealed", "candidates")
    stated = Screening(exported["question"], candidates=commitment, **found)
    envelope = signed(statements.screening_payload(stated), key)
    statements.read_screening(Envelope.from_json(envelope))
    return _with_opened(envelope, opened)


def note(given: Note, key: Ed25519PrivateKey) -> dict[str, Any]:
    """A signed note for the record."""
    envelope = signed(statements.note_payload(given), key)
    statements.read_note(Envelope.from_json(envelope))
    return envelope


def _with_opened(envelope: dict[str, Any], opened: Opening | None) -> dict[str, Any]:
    """A statement as it is put on the record: alone, or beside what opens its commitment."""
    if opened is None:
        return envelope
    return {"envelope": envelope, "opened": _opened(opened)}


def opening(asked: Mapping[str, str], key: Ed25519PrivateKey) -> dict[str, Any]:
    """The signed opening of a stage: `asked` is `{log, release, stage, terms}` as it is given."""
    return signed(statements.opening_payload(asked), key)


def pointing(given: Pointing, key: Ed25519PrivateKey) -> dict[str, Any]:
    """An officer's signed statement that declares or retires a point. Raises: BadEnvelope: malformed."""
    envelope = signed(statements.point_payload(given), key)
    statements.read_point(Envelope.from_json(envelope))
    return envelope


def enforcement(asked: Mapping[str, str], says: str, at_ms: int, key: Ed25519PrivateKey) -> dict[str, Any]:
    """A point's signed word on a directive: `asked` is `{log, point, directive, document}` as it is given.

    Raises: BadEnvelope: malformed.
    """
    said = Enforcement(**asked, says=says, at=times.format_time(at_ms))
    envelope = signed(statements.enforcement_payload(said), key)
    statements.read_enforcement(Envelope.from_json(envelope))
    return envelope


@dataclass(frozen=True, slots=True)
class Bound:
    """What a directive is bound to: the log by its verifier key; and what it takes from the record and files.

    `annexes` are the names in its files, `definitions` those the record adds, `replaced` the digest of the
    document it takes the place of, `received` how it came where officers transcribe it.
    """

    log: str
    annexes: Mapping[str, Mapping[str, list[str]]] = field(default_factory=dict)
    definitions: Mapping[str, Definition] = field(default_factory=dict)
    replaced: str | None = None
    received: Mapping[str, str] | None = None


def directive(given: dict[str, Any], bound: Bound, *keys: Ed25519PrivateKey) -> dict[str, Any]:
    """A signed directive, as the control plane takes it: `{envelope, opened}`.

    `given` is what `core.directives.directive.read` returned. The names in it go beside the statement,
    which has only their count and a commitment.
    """
    signing = directives.Signing(
        bound.log,
        lambda: secrets.token_bytes(32),
        bound.annexes,
        bound.definitions,
        bound.replaced,
        bound.received,
    )
    document, opened = directives.to_sign(given, signing)
    directives.check_signed(document)
    envelope = signed_by(statements.directive_payload(document), keys)
    return {"envelope": envelope, "opened": {name: _opened(each) for name, each in opened.items()}}


def signed_by(payload: bytes, keys: Sequence[Ed25519PrivateKey]) -> dict[str, Any]:
    """A DSSE envelope over a statement, with a signature of each key."""
    first, *others = keys
    envelope = signed(payload, first)
    for key in others:
        envelope = countersigned(envelope, key)
    return envelope


def confirmation(log: str, name: str, document: str, key: Ed25519PrivateKey) -> dict[str, Any]:
    """An issuer's signed word that it stands by what was transcribed: `document` is its digest."""
    return signed(statements.confirmation_payload(log, name, document), key)


def transcription(
    exported: Mapping[str, Any], word: str, received: Mapping[str, str], keys: Sequence[Ed25519PrivateKey]
) -> dict[str, Any]:
    """What the issuer of a transcribed order said about lifting it, signed by two officers."""
    issuer = exported["document"]["spec"]["issuer"]
    stated = Position(exported["question"], issuer, word, "", exported["previous"].get(issuer))
    envelope = signed_by(statements.transcription_payload(stated, received), keys)
    statements.read_transcription(Envelope.from_json(envelope))
    return envelope


def lift_scope(scope: Mapping[str, Any], organizations: list[str] | None) -> dict[str, Any]:
    """The part of a directive to lift, as the control plane takes it; the organizations go beside it."""
    if organizations is None:
        return {"scope": dict(scope)}
    opened = Opening(secrets.token_bytes(32), canonical.dumps(organizations))
    committed = {
        "count": len(organizations),
        "commitment": opened.commitment("sealed", "lift.organizations"),
    }
    return {"scope": {**scope, "organizations": committed}, "opened": _opened(opened)}


def _opened(opened: Opening) -> dict[str, Any]:
    return {"salt": canonical.b64(opened.salt), "value": opened.value()}


def party_of(exported: Mapping[str, Any], key: Ed25519PrivateKey) -> str:
    """For whom a key speaks in an exported case.

    Raises: InvalidInput: it speaks for nobody who is asked.
    """
    name = dsse.keyid(key.public_key().public_bytes_raw())
    party = exported["parties"].get(name)
    if party is None:
        asked = ", ".join(sorted(set(exported["parties"].values())))
        raise InvalidInput(f"this key is not pinned for any party asked in the case: {asked}")
    return str(party)


def check_export(exported: Mapping[str, Any]) -> None:
    """Check that everything an exported case shows is what its question binds, and so what is signed.

    Raises: VerificationFailed: it is not; whoever exported it shows one thing and has another signed.
    """
    try:
        shown = _bound(exported)
        bound = {name: exported["question"][name] for name in shown["question"]}
    except (KeyError, TypeError, AttributeError, InvalidInput) as error:
        raise _altered("it lacks what the question binds") from error
    if bound != shown["question"]:
        raise _altered("it shows something else than the question binds")
    if exported["rule"] != shown["rule"]:
        raise _altered("it shows another rule than the one that decides")


def _bound(exported: Mapping[str, Any]) -> dict[str, Any]:
    """What the question and the rule must be, by what the export shows."""
    question = exported["question"]
    kind = question["kind"]
    if kind == kinds.LIFT:
        document = exported["document"]
        bound = {"document": canonical.digest(document), **_scope_shown(question, exported.get("scope"))}
        return {"question": bound, "rule": document["spec"]["liftedBy"]}
    given = Plan.from_json(exported["terms"])
    stage = given.stages[question["stage"]]
    found = {"terms": given.terms_digest(stage), "models": given.model_digests}
    rule = kinds.rule_of(kind, given, stage, exported.get("against") or "").to_json()
    if "party" not in question:
        return {"question": found, "rule": rule}
    dossier = exported["dossier"]
    opened = Opening(canonical.unb64(dossier["salt"]), canonical.dumps(dossier["application"]))
    found["party"] = opened.commitment("sealed", "application")
    return {"question": found, "rule": rule}


def _scope_shown(question: Mapping[str, Any], shown: Mapping[str, Any] | None) -> dict[str, Any]:
    """The part of a directive that a lift is about, with the organizations that are shown of it."""
    scope = question.get("scope")
    if scope is None or shown is None:
        if scope is not None and "organizations" in scope:
            raise _altered("it does not show the organizations that the lift is about")
        return {}
    opened = Opening(canonical.unb64(shown["salt"]), canonical.dumps(shown["value"]))
    commitment = opened.commitment("sealed", "lift.organizations")
    return {"scope": {**scope, "organizations": {"count": len(shown["value"]), "commitment": commitment}}}


def _altered(what: str) -> VerificationFailed:
    return VerificationFailed(
        f"this is not the case as it was opened: {what}",
        remedy="do not sign; export the case again, and ask who altered it",
    )


def passphrase() -> str:
    """The passphrase of key files, from SLUICEGATE_PASSPHRASE; empty for none."""
    return os.environ.get("SLUICEGATE_PASSPHRASE", "")
