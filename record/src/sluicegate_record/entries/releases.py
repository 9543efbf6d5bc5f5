"""Entries about the log itself, keys, releases and stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated

from sluicegate_record.entries.body import Body, Gate, Hidden, Sealed, entry
from sluicegate_record.entries.support import SupportedBody
from sluicegate_record.form import Base64, Key, Note
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.webauthn import RelyingParty
from sluicegate_record.statements.about import About
from sluicegate_record.terms.plan import Plan


@entry("log.started")
class LogStarted(Body):
    """The first entry of a log. `vkey` is the log's verifier key. Every statement is bound to it."""

    origin: str
    vkey: str
    developer: str


@entry("key.pinned")
class KeyPinned(Body):
    """The first key of an owner. The owner speaks for a party: an agency, or the developer.

    An Ed25519 key is 32 raw bytes. A key of another algorithm, and every key of a passkey, is DER
    SubjectPublicKeyInfo.
    """

    owner: str
    party: str
    keyid: str
    public_key: Base64
    from_: str
    webauthn: Annotated[RelyingParty | None, Note("if it is the key of a passkey")] = None


@entry("release.applied")
class ReleaseApplied(Body):
    """A plan is in force. It is in the public part if the release is announced, else in the gate part."""

    release: str
    announced: bool
    terms: Annotated[Mapping[str, str], Note("digest by stage")]
    tightened: Annotated[Mapping[str, str], Note("the agreed terms that new ones are within, by stage")] = (
        field(default_factory=dict)
    )
    plan: Annotated[Plan | None, Note("if announced")] = None
    unannounced: Annotated[Gate[Plan] | None, Key("plan"), Note("if not announced")] = None

    @property
    def given(self) -> Plan | Hidden:
        """The plan, from the part that has it. Raises: KeyError: no part has it."""
        found = self.plan if self.announced else self.unannounced
        if found is None:
            raise KeyError("plan")
        return found


@entry("stage.opened")
class StageOpened(SupportedBody):
    """An officer's signed opening counts.

    `case` is the case in which agencies agreed to it, if there was one.
    """

    log: str
    release: str
    stage: str
    terms: str
    officer: str
    envelope: Envelope
    case: str | None = None


@entry("organization.nominated")
class OrganizationNominated(Body):
    """The developer hopes that an organization applies for a stage, or invites it to apply."""

    nomination: str
    release: str
    stage: str
    organization: Gate[str]
    invited: Annotated[
        Gate[str] | None, Note("who may apply for it, although the release is not announced")
    ] = None
    dossier: Annotated[Sealed | None, Key("organization")] = None


@entry("list.changed")
class ListChanged(Body):
    """Another version of a screening list is in use."""

    name: Annotated[str, Key("list")]
    version: str


@entry("record.added")
class RecordAdded(Body):
    """A signed note: a request, a call, a meeting, a dissent, a statement. `on` is a date."""

    about: About
    kind: str
    on: str
    text: str
    party: str
    owner: str
    digest: str
    envelope: Envelope
    case: Annotated[str | None, Note("if about one")] = None
