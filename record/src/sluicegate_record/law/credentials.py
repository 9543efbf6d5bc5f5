"""The law of credentials and of imports of keys.

The record holds no credential, so no rule asks about an earlier entry of one. It holds how many parts and
keys an import has, and the commitments to them.
"""

from __future__ import annotations

from sluicegate_record.entities.keyimport import KeyImport
from sluicegate_record.entries import Body, credentials, seen
from sluicegate_record.law.rule import At, LawRule, of_the_record, require, same
from sluicegate_record.statements.people import PERSONS, Attestation, IdentifierDeclaration


@of_the_record
def is_under_a_grant(at: At, body: credentials.CredentialIssued) -> None:
    """A key is issued under a grant or an account that has not ended."""
    _check_grant(at, body.grant)


def _check_grant(at: At, name: str) -> None:
    """Check that a grant, or an account, has not ended. Raises: Broken."""
    account = at.record.accounts.get(name)
    if account is not None:
        require(account.is_open, "a key under an account that has ended")
        return
    grant = at.grant(name)
    is_past = grant.valid_until_ms is not None and grant.valid_until_ms <= at.at_ms
    require(grant.is_live and not is_past, "a key under a grant that has ended")


def is_as_attested(at: At, body: credentials.CredentialAttested) -> None:
    """What is attested of a credential is what was signed, for this log."""
    attested, envelope = seen(body.attested), seen(body.envelope)
    if attested is None:
        return
    require(envelope is not None, "an attestation that was not signed")
    assert envelope is not None
    signed = Attestation.read(envelope)
    require((signed.log, signed.credential) == (at.log, body.credential),
            "an attestation signed for another log or credential")  # fmt: skip
    lists = ("statuses", "models", "excluded")
    stated = [sorted(getattr(attested, name) or ()) for name in lists]
    require(stated == [sorted(getattr(signed, name) or ()) for name in lists]
            and attested.until_ms == signed.until_ms
            and attested.digest in {None, envelope.digest},
            "an attestation that was signed otherwise")  # fmt: skip


def is_as_declared(at: At, body: credentials.IdentifiersDeclared) -> None:
    """That identifiers name no one is what was signed, for this log."""
    if seen(body.identifiers) == PERSONS:
        return
    envelope = seen(body.envelope)
    require(envelope is not None, "a declaration that was not signed")
    assert envelope is not None
    signed = IdentifierDeclaration.read(envelope)
    require(signed.log == at.log, "a declaration signed for another log")
    same(body, signed, "credential grant identifiers", "a declaration that was signed otherwise")


def is_the_next_part(at: At, body: credentials.CredentialsChunk) -> None:
    """The parts of an import follow each other, until it counts or is discarded."""
    found = at.record.imports.get(body.name, KeyImport(name=body.name))
    require(found.is_open, "a part of an import that is over")
    require(body.part == found.parts, "a part of an import out of its order")


def has_so_many_keys(at: At, body: credentials.CredentialsChunk) -> None:
    """A part of an import has as many keys as it says, each once."""
    require(body.count > 0 and seen(body.keys).fits(body.count), "a part with other keys than it says")


@of_the_record
def are_under_grants(at: At, body: credentials.CredentialsChunk) -> None:
    """The keys of a part are under grants that have not ended."""
    for name in seen(body.keys).grants:
        _check_grant(at, name)


def counts_its_parts(at: At, body: credentials.CredentialsImported) -> None:
    """What counts of an import is all of its parts."""
    found = _open_import(at, body.name)
    same(body, found, "parts count root", "an import of other parts than it has")


def is_not_over(at: At, body: credentials.CredentialsDiscarded) -> None:
    """An import is discarded before it counts."""
    _open_import(at, body.name)


def _open_import(at: At, name: str) -> KeyImport:
    """An import that is open. Raises: Broken."""
    found = at.key_import(name)
    require(found.is_open, "an import that is over")
    return found


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    credentials.CredentialIssued: (is_under_a_grant,),
    credentials.CredentialAttested: (is_as_attested,),
    credentials.IdentifiersDeclared: (is_as_declared,),
    credentials.CredentialsChunk: (is_the_next_part, has_so_many_keys, are_under_grants),
    credentials.CredentialsImported: (counts_its_parts,),
    credentials.CredentialsDiscarded: (is_not_over,),
}
