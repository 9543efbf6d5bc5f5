"""Entries about the log itself, keys, releases and stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated

from sluicegate_record.entries.body import Body, Gate, Hidden, Sealed, entry
from sluicegate_record.entries.support import SupportedBody
from sluicegate_record.form import Base64, Form, Key, Note, Time, form, within
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.webauthn import RelyingParty
from sluicegate_record.statements.about import About
from sluicegate_record.terms.audience import PLACES
from sluicegate_record.terms.plan import Plan


@entry("log.started")
class LogStarted(Body):
    """The first entry of a log. `vkey` is the log's verifier key. Every statement is bound to it."""

    origin: str
    vkey: str
    developer: str


@entry("log.key_replaced")
class LogKeyReplaced(Body):
    """Another key signs the heads of the log from here on, those that hold this entry included.

    The log keeps its name: its first verifier key. The key before signed this, and the head of the entries
    before it; if it is lost or was stolen, two officers signed instead. The new key signed it in any case.
    """

    replaces: Annotated[str, Note("the verifier key that signed before")]
    key: Annotated[str, Note("the verifier key that signs now")]
    reason: str
    head: Annotated[str, Note("the signed head of the entries before this one, by the key before")]
    officers: Annotated[tuple[str, ...], Note("who signed, if the key before did not")]
    digest: str
    envelope: Envelope


@entry("key.pinned")
class KeyPinned(Body):
    """A key of an owner. The owner speaks for a party: an agency, or the developer.

    The first keys of a party are from the configuration; keys of that party sign each later one. An Ed25519
    key is 32 raw bytes. A key of another algorithm, and every key of a passkey, is DER SubjectPublicKeyInfo.
    """

    owner: str
    party: str
    keyid: str
    public_key: Base64
    from_: Annotated[str, Note("`configuration`, `statement`")]
    webauthn: Annotated[RelyingParty | None, Note("if it is the key of a passkey")] = None
    replaces: Annotated[str | None, Note("the key of the same owner that ends with this entry")] = None
    digest: Annotated[str | None, Note("of the statement, if keys of the party signed")] = None
    envelope: Annotated[Envelope | None, Note("if keys of the party signed")] = None


@entry("key.ended")
class KeyEnded(Body):
    """A key signs nothing more: it is retired, or revoked because someone else may have it.

    What a retired key signed stays valid. What a revoked one signed from the log size `since` on admits no
    one any more; what it narrowed stands. `log` and `reason` are as signed by an owner of the same party.
    """

    log: str
    owner: str
    party: str
    keyid: str
    how: Annotated[str, Note("`retired`, `revoked`")]
    reason: str
    by: Annotated[str, Note("the owner who signed")]
    digest: str
    envelope: Envelope
    since: Annotated[int | None, Note("if revoked")] = None


@entry("release.applied")
class ReleaseApplied(Body):
    """A plan is in force. It is in the public part if the release is announced, else in the gate part."""

    release: str
    announced: bool
    terms: Annotated[Mapping[str, str], Note("digest by stage")]
    tightened: Annotated[Mapping[str, str], Note("the agreed terms that new ones are within, by stage")] = (
        field(default_factory=dict)
    )
    raised: Annotated[
        Mapping[str, str], Note("digests of the terms in force where designations hold, by stage")
    ] = field(default_factory=dict)
    plan: Annotated[Plan | None, Note("if announced")] = None
    unannounced: Annotated[Gate[Plan] | None, Key("plan"), Note("if not announced")] = None
    reason: Annotated[str | None, Note("why target dates change")] = None

    @property
    def given(self) -> Plan | Hidden:
        """The plan, from the part that has it. Raises: KeyError: no part has it."""
        found = self.plan if self.announced else self.unannounced
        if found is None:
            raise KeyError("plan")
        return found


@form
class MetRequirement(Form):
    """A requirement that holds: its kind, and since when. `case` is the one in which it was agreed to.

    `evidence` are the results that count for it, by the digests of their statements.
    """

    requirement: str
    since_ms: Time
    case: str | None = None
    evidence: tuple[str, ...] = ()


@form
class HeardReferral(Form):
    """Which agency had which other one asked."""

    by: str
    to: str


@form
class Heard(Form):
    """Who was heard before an opening: who was asked, by whose referral, who declined.

    `never_asked`: who has that remit, and was not asked.
    """

    asked: tuple[str, ...]
    referred: tuple[HeardReferral, ...]
    declined: tuple[str, ...]
    never_asked: tuple[str, ...]


@form
class CarriedRamp(Form):
    """What of its ramp a stage takes over when it opens again: who was in stays in.

    Units: `places` of 10,000.
    """

    places: Annotated[int, within(0, PLACES)]
    is_paused: Annotated[bool, Key("paused")] = False


@entry("stage.opened")
class StageOpened(SupportedBody):
    """A stage is open: by an officer's signed opening, or by itself, because all that it requires holds.

    `case` is the case in which agencies agreed to it, if there was one. `met` is what held when it opened by
    itself, in the order of the plan; requirements that did not hold and were not needed are left out.
    """

    log: str
    release: str
    stage: str
    terms: str
    officer: Annotated[str | None, Note("if one signed")] = None
    envelope: Annotated[Envelope | None, Note("if an officer signed")] = None
    case: str | None = None
    met: Annotated[tuple[MetRequirement, ...], Note("if it opened by itself")] = ()
    heard: Annotated[Heard | None, Note("if the stage serves a concern")] = None
    reopens: Annotated[tuple[str, ...], Note("earlier terms that were open when it closed")] = ()
    ramp: Annotated[CarriedRamp | None, Note("if it was for everyone before, and no officer closed it")] = (
        None
    )


@entry("stage.foreseen")
class StageForeseen(Body):
    """A stage opens soon, if nothing more happens. Those hear of it whose grants go on as part of it."""

    release: str
    stage: str
    terms: str
    opens_ms: Time


@entry("stage.closed")
class StageClosed(Body):
    """A stage is closed for all who used it: by an officer's signature, or because it lost what it requires.

    `terms` are those under which it was open. One that an officer closed, only an officer opens again.
    """

    log: str
    release: str
    stage: str
    terms: tuple[str, ...]
    lost: Annotated[tuple[str, ...], Note("what no longer holds, if it closed by itself")] = ()
    reason: Annotated[str | None, Note("if an officer signed")] = None
    officer: Annotated[str | None, Note("if an officer signed")] = None
    envelope: Annotated[Envelope | None, Note("if an officer signed")] = None
    digest: Annotated[str | None, Note("of the statement, if an officer signed")] = None


@entry("stage.lacking")
class StageLacking(Body):
    """An open stage lacks something that it requires: no one else is admitted (`halt`), or no more (`tell`).

    An empty list: it lacks nothing any more.
    """

    release: str
    stage: str
    terms: str
    lost: tuple[str, ...]
    then: Annotated[str | None, Note("`halt`, `tell`")] = None


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
