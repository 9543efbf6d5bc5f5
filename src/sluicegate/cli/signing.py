"""Signing with a party's own key, on the machine where the key is; nothing here needs a network."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from sluicegate.core import canonical, dsse
from sluicegate.core.events import Opening
from sluicegate.errors import InvalidInput, VerificationFailed
from sluicegate.store import keyfile


def private_key(path: Path) -> Ed25519PrivateKey:
    """The key in a file; SLUICEGATE_PASSPHRASE opens an encrypted one."""
    return keyfile.load_private(path, passphrase())


def signed(payload: bytes, key: Ed25519PrivateKey) -> dict[str, Any]:
    """A DSSE envelope over a statement."""
    return dsse.sign(dsse.PAYLOAD_TYPE_INTOTO, payload, key).to_json()


def party_of(exported: dict[str, Any], key: Ed25519PrivateKey) -> str:
    """For whom a key speaks in an exported case.

    Raises: InvalidInput: it speaks for nobody who is asked.
    """
    name = dsse.keyid(key.public_key().public_bytes_raw())
    party = exported["parties"].get(name)
    if party is None:
        asked = ", ".join(sorted(set(exported["parties"].values())))
        raise InvalidInput(f"this key is not pinned for any party asked in the case: {asked}")
    return str(party)


def check_dossier(exported: dict[str, Any]) -> None:
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
