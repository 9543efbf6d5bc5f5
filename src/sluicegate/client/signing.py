"""Signing with a party's own key, on the machine where the key is; nothing here needs a network."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluicegate.core import canonical, dsse, statements
from sluicegate.core import directive as directives
from sluicegate.core import plan as plans
from sluicegate.core.dsse import Envelope
from sluicegate.core.events import Opening
from sluicegate.core.statements import Position
from sluicegate.errors import InvalidInput, VerificationFailed
from sluicegate.store import keyfile


def private_key(path: Path) -> Ed25519PrivateKey:
    """The key in a file; SLUICEGATE_PASSPHRASE opens an encrypted one."""
    return keyfile.load_private(path, passphrase())


def signed(payload: bytes, key: Ed25519PrivateKey) -> dict[str, Any]:
    """A DSSE envelope over a statement."""
    return dsse.sign(dsse.PAYLOAD_TYPE_INTOTO, payload, key).to_json()


def position(
    exported: Mapping[str, Any], word: str, key: Ed25519PrivateKey, reason: str = ""
) -> dict[str, Any]:
    """The signed position of the key's party in an exported case.

    Raises: InvalidInput: the key is of nobody who is asked, or `word` is no position.
    """
    party = party_of(exported, key)
    said = Position(exported["question"], party, word, reason, exported["previous"].get(party))
    envelope = signed(statements.position_payload(said), key)
    statements.read_position(Envelope.from_json(envelope))
    return envelope


def opening(asked: Mapping[str, str], key: Ed25519PrivateKey) -> dict[str, Any]:
    """The signed opening of a stage: `asked` is `{log, release, stage, terms}` as it is given."""
    return signed(statements.opening_payload(asked), key)


def directive(given: dict[str, Any], log: str, key: Ed25519PrivateKey) -> dict[str, Any]:
    """A signed directive, as the control plane takes it: `{envelope}`, and `named` where it names any.

    `given` is what `core.directive.read` returned, `log` the verifier key of the log it is for; the
    organizations it names go beside the statement, which has only their count and a commitment.
    """
    named = directives.named_organizations(given)
    opened = Opening(secrets.token_bytes(32), canonical.dumps(named or []))
    document = directives.to_sign(given, log, opened.commitment("sealed", "organizations"))
    body: dict[str, Any] = {"envelope": signed(statements.directive_payload(document), key)}
    if named is not None:
        body["named"] = {"salt": canonical.b64(opened.salt), "organizations": named}
    return body


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
    if question["kind"] == "lift":
        document = exported["document"]
        return {"question": {"document": canonical.digest(document)}, "rule": document["spec"]["liftedBy"]}
    given = exported["terms"]
    stage = plans.stages(given)[question["stage"]]
    found = {"terms": plans.terms_digest(given, stage), "models": plans.model_digests(given)}
    if question["kind"] == "terms":
        return {"question": found, "rule": {"allOf": sorted(plans.agencies_of(stage))}}
    dossier = exported["dossier"]
    opened = Opening(canonical.unb64(dossier["salt"]), canonical.dumps(dossier["application"]))
    found["party"] = opened.commitment("sealed", "application")
    return {"question": found, "rule": stage["admission"]["grant"]}


def _altered(what: str) -> VerificationFailed:
    return VerificationFailed(
        f"this is not the case as it was opened: {what}",
        remedy="do not sign; export the case again, and ask who altered it",
    )


def passphrase() -> str:
    """The passphrase of key files, from SLUICEGATE_PASSPHRASE; empty for none."""
    return os.environ.get("SLUICEGATE_PASSPHRASE", "")
