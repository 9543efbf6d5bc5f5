"""The law of credentials. The record holds no credential, so no rule asks about an earlier entry of one."""

from __future__ import annotations

from sluicegate_record.entries import Body, credentials, seen
from sluicegate_record.law.rule import At, LawRule, of_the_record, require
from sluicegate_record.statements.people import Attestation


@of_the_record
def is_under_a_grant(at: At, body: credentials.CredentialIssued) -> None:
    """A key is issued under a grant that has not ended."""
    grant = at.grant(body.grant)
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


RULES: dict[type[Body], tuple[LawRule, ...]] = {
    credentials.CredentialIssued: (is_under_a_grant,),
    credentials.CredentialAttested: (is_as_attested,),
}
