"""Themes about keys that customers have from before: imported in parts, discarded, ended."""

from __future__ import annotations

import hashlib
from typing import Any

from sluicegate.core.access import keylist
from sluicegate.core.lifecycle.attestations import DeclareIdentifiers, PinSignatory, RetireSignatory
from sluicegate.core.lifecycle.credentials import IssueCredential, RevokeCredential, RotateCredential
from sluicegate.core.lifecycle.imports import CompleteImport, DiscardImport, TakeKeys
from sluicegate_record.statements.people import IdentifierDeclaration
from tests.vectors.history import History
from tests.worlds import DAY_MS, LOG, public_key, signed

GIVEN_UP, COUNTED = "imp_" + "a" * 16, "imp_" + "b" * 16
SIGNER = "signatory of 12"


def part(h: History, name: str, number: int, *rows: str) -> TakeKeys:
    """A part of an import: each row is the name of a key, its grant, its label and its expiry."""
    lines = ["sha256,grant,label,expires"]
    for row in rows:
        key, grant, label, expires = row.split(",")
        digest = hashlib.sha256(f"key of {key}".encode()).hexdigest()
        lines.append(f"{digest},{h.ids[grant]},{label},{expires}")
    return TakeKeys(name, number, keylist.read("\n".join(lines), "keys.csv"), "keys.csv")


def _imports(h: History) -> None:
    """One is discarded; another one has its keys, is interrupted, and counts."""
    h.must(part(h, GIVEN_UP, 0, "old-1,org-12,,", "old-2,org-12,,"))
    h.must(DiscardImport(GIVEN_UP))
    h.no("import_discarded", CompleteImport(GIVEN_UP, 2))
    h.must(part(h, COUNTED, 0, "old-1,org-12,blue,2027-12-01", "old-2,signed,,"))
    h.must(part(h, COUNTED, 0, "old-1,org-12,blue,2027-12-01", "old-2,signed,,"))
    h.no("import_out_of_order", part(h, COUNTED, 2, "old-3,signed,,"))
    h.no("import_incomplete", CompleteImport(COUNTED, 3))
    h.must(part(h, COUNTED, 1, "old-3,signed,,"))
    h.must(RevokeCredential(f"{COUNTED}.1"))
    h.must(CompleteImport(COUNTED, 3))
    h.must(CompleteImport(COUNTED, 3))
    h.no("import_counted", DiscardImport(COUNTED))
    h.must(RevokeCredential(f"{COUNTED}.2"))


def _rotations(h: History) -> None:
    """A key with a label and an expiry, and one in the place of another, imported one."""
    digests = [hashlib.sha256(f"new key {number}".encode()).hexdigest() for number in range(2)]
    grant = h.ids["org-12"]
    issuing = IssueCredential(grant, digests[0], label="build", expires_ms=h.now_ms + 400 * DAY_MS)
    h.ids["key of build"] = h.must(issuing)["credential"]
    h.no("expiry_passed", IssueCredential(grant, digests[1], expires_ms=h.now_ms))
    h.must(RotateCredential(f"{COUNTED}.0", digests[1], 7 * DAY_MS))
    h.no("credential_revoked", RotateCredential(f"{COUNTED}.2", digests[1], 7 * DAY_MS))


def _declares(h: History, identifiers: str, signer: str = SIGNER, **about: Any) -> DeclareIdentifiers:
    """A signatory says what identifiers mean that requests send."""
    stated = IdentifierDeclaration(log=LOG, identifiers=identifiers, **about)
    return DeclareIdentifiers(signed(stated.payload(), signer))


def _declarations(h: History) -> None:
    """Identifiers that name no one: of a key, and of a grant; taken back by a signature, and with the key."""
    grant, credential = h.ids["org-12"], h.ids["key of build"]
    signatory = h.must(PinSignatory("org-12", public_key(SIGNER)))["signatory"]
    h.no("signature_invalid", _declares(h, "none", "signatory", credential=credential))
    h.no("subject_unknown", _declares(h, "none", credential=grant))
    h.must(_declares(h, "none", credential=credential))
    h.must(_declares(h, "none", credential=credential))
    h.must(_declares(h, "persons", credential=credential))
    h.no("declaration_spent", _declares(h, "none", credential=credential))
    h.must(_declares(h, "none", grant=grant))
    h.must(RetireSignatory("org-12", signatory))


IMPORTS = (_imports, _rotations, _declarations)
