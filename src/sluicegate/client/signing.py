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
    """The signed opening of a stage: `asked` is `{release, stage, terms}` as the control plane gives it."""
    return signed(statements.opening_payload(asked), key)


def directive(given: dict[str, Any], key: Ed25519PrivateKey) -> dict[str, Any]:
    """A signed directive, as the control plane takes it: `{envelope}`, and `named` where it names any.

    `given` is what `core.directive.read` returned; the organizations it names go beside the statement, which
    has only their count and a commitment.
    """
    named = directives.named_organizations(given)
    if named is None:
        return {"envelope": signed(statements.directive_payload(given), key)}
    opened = Opening(secrets.token_bytes(32), canonical.dumps(named))
    redacted = directives.redacted(given, opened.commitment("sealed", "organizations"))
    return {
        "envelope": signed(statements.directive_payload(redacted), key),
        "named": {"salt": canonical.b64(opened.salt), "organizations": named},
    }


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


def check_dossier(exported: Mapping[str, Any]) -> None:
    """Check that the dossier shown is the one that the question commits to.

    Raises: VerificationFailed: it is not; whoever exported it shows one thing and has another signed.
    """
    dossier = exported.get("dossier")
    if dossier is None:
        return
    opened = Opening(canonical.unb64(dossier["salt"]), canonical.dumps(dossier["application"]))
    if opened.commitment("sealed", "application") != exported["question"].get("party"):
        raise VerificationFailed(
            "the dossier in this file is not the one the question commits to",
            remedy="do not sign; export the case again and ask who altered it",
        )


def passphrase() -> str:
    """The passphrase of key files, from SLUICEGATE_PASSPHRASE; empty for none."""
    return os.environ.get("SLUICEGATE_PASSPHRASE", "")
