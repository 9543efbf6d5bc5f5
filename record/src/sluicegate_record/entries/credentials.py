"""Entries of credentials."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from sluicegate_record.entries.body import Body, Gate, Sealed, entry
from sluicegate_record.form import Base64, Form, Hex, Key, Note, Time, form
from sluicegate_record.log.dsse import Envelope


@form
class AttestationRow(Form):
    """What is attested of all persons who can reach a credential, except those in `excluded`.

    `models` None is all.
    """

    statuses: tuple[str, ...]
    until_ms: Time
    models: tuple[str, ...] | None = None
    excluded: tuple[str, ...] | None = None
    keyid: str | None = None
    digest: str | None = None


@entry("credential.issued")
class CredentialIssued(Body):
    """A key under a grant, by its SHA-256 digest."""

    credential: str
    grant: str
    digest: Gate[Hex]
    member: Annotated[Gate[str] | None, Note("if it is for one alone")] = None
    label: Annotated[Sealed | None, Note("what its holder calls it")] = None


@entry("credential.revoked")
class CredentialRevoked(Body):
    """A key is refused from now on."""

    credential: str


@entry("credential.expiring")
class CredentialExpiring(Body):
    """A key is refused from a time on. A later time than before changes nothing."""

    credential: str
    until_ms: Gate[Time]


@entry("credential.attested")
class CredentialAttested(Body):
    """What a signatory attests; null: the attestation has ended."""

    credential: str
    attested: Annotated[Gate[AttestationRow | None], Note("null: nothing any more")]
    envelope: Gate[Envelope] | None = None


@entry("identifiers.declared")
class IdentifiersDeclared(Body):
    """What the identifiers mean that requests send, with a credential or under a grant: `persons`, or `none`.

    Without an envelope it is `persons` again.
    """

    credential: str | None = None
    grant: str | None = None
    identifiers: Gate[str]
    envelope: Gate[Envelope] | None = None
    keyid: Gate[str] | None = None


@form
class KeyColumns(Form):
    """Keys by columns, so that many fit into an entry: the n-th of each column belongs to the n-th key.

    `digests` are their SHA-256 digests, 32 bytes each, one after the other. `of` are places in `grants`.
    `expires_ms` is empty if no key has an expiry.
    """

    digests: Base64
    grants: tuple[str, ...]
    of: tuple[int, ...]
    expires_ms: Annotated[tuple[Time | None, ...], Key("expires")] = ()

    def fits(self, count: int) -> bool:
        """Whether each column is for so many keys, each with a grant, and no two keys are the same."""
        return (
            len(self.digests) == DIGEST_BYTES * count
            and len(self.of) == count
            and len(self.expires_ms) in {0, count}
            and all(0 <= each < len(self.grants) for each in set(self.of))
            and len(set(self.digest_of_each())) == count
        )

    def digest_of_each(self) -> Iterator[bytes]:
        """The digest of each key, 32 bytes."""
        for at in range(0, len(self.digests), DIGEST_BYTES):
            yield self.digests[at : at + DIGEST_BYTES]

    def expiry_of_each(self) -> tuple[int | None, ...]:
        """When each key expires, milliseconds since 1970 UTC; None without an expiry."""
        return self.expires_ms or (None,) * len(self.of)


DIGEST_BYTES = 32


@entry("credentials.chunk")
class CredentialsChunk(Body):
    """A part of an import: keys that its holders have, by their digests. It has no effect by itself.

    A key has the name of the import, a full stop, and its number: from 0 on, over all parts.
    """

    name: Annotated[str, Key("import")]
    part: Annotated[int, Note("from 0 on")]
    count: int
    keys: Gate[KeyColumns]
    labels: Annotated[Sealed | None, Note("what the holders call them, in their order; null: nothing")] = None


@entry("credentials.imported")
class CredentialsImported(Body):
    """All parts of an import count from now on."""

    name: Annotated[str, Key("import")]
    parts: int
    count: int
    root: Annotated[Hex, Note("RFC 6962, over the commitments to the keys of its parts")]


@entry("credentials.discarded")
class CredentialsDiscarded(Body):
    """An import that never counts. Another one may have its keys."""

    name: Annotated[str, Key("import")]
