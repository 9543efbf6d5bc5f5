"""What a party signs of its own keys: that one is pinned, retired or revoked."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Annotated

from sluicegate.acts import keys
from sluicegate.acts.act import Arguments, AskAct
from sluicegate.acts.fields import text
from sluicegate.acts.keys import KeyArgument, KeyFilter, KeyId, KeyView, SigningKeys
from sluicegate.core.lifecycle.keys import owners_to_sign
from sluicegate.errors import InvalidInput
from sluicegate.statements import words
from sluicegate.statements.kind import Making, StatementKind, UnsignedStatement, public, shown_by
from sluicegate_record.entities.key import PinnedKey
from sluicegate_record.errors import BadKey
from sluicegate_record.form import Base64, Note, form, within
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.log.webauthn import RelyingParty
from sluicegate_record.statements.keys import PINS, RETIRES, REVOKES, KeyStatement
from sluicegate_record.terms.text import REASON_MAX, counted


@form
class KeyWord(Arguments):
    """What you say of a key of the developer: that it is pinned, retired, or was compromised."""

    says: Annotated[str, Note(f"{PINS} | {RETIRES} | {REVOKES}")]
    keyid: Annotated[KeyId | None, Note("The id of a key that ends.")] = None
    reason: Annotated[Annotated[str, text(0, REASON_MAX)] | None, Note("Why it ends. It is public.")] = None
    since: Annotated[
        Annotated[int, within(0, 2**53 - 1)] | None,
        Note("If it is revoked: the log size from which on it was compromised."),
    ] = None
    owner: Annotated[
        Annotated[str, text(0, 63)] | None, Note("Who holds a key that is pinned, such as anna.")
    ] = None
    key: Annotated[Base64 | None, Note("A passkey that is pinned, as its holder's page shows it.")] = None
    rp_id: Annotated[
        Annotated[str, text(0, 253)] | None, Note("Its relying party, such as gate.example.")
    ] = None
    origin: Annotated[
        Annotated[str, text(0, 256)] | None, Note("Where it signs, such as https://gate.example.")
    ] = None


def _key(making: Making) -> UnsignedStatement:
    said, known = making.said, making.found
    if said.says != PINS:
        held = next((each for each in known.keys if each.keyid == said.keyid), None)
        if held is None or held.party != known.developer:
            raise InvalidInput(
                "this is no key of the developer", remedy="'sluicegate keys list' shows the keys"
            )
        return ending(known.log, held, said.says, said.reason or None, said.since)
    if said.key is None or not said.rp_id or not said.origin:
        wrong = "a passkey that is pinned is stated with its relying party and its origin"
        raise InvalidInput(wrong, remedy="its holder finds all three on their page of a statement to sign")
    new = PublicKey(said.key, RelyingParty(said.rp_id, said.origin))
    try:
        new.check()
    except BadKey as error:
        raise InvalidInput(f"the key that is pinned: {error.message}") from error
    owner = said.owner or ""
    return pinning(known.log, known.developer, owner, new, current_key(known, owner))


def current_key(known: SigningKeys, owner: str) -> str | None:
    """The id of the key with which an owner signs, if there is one."""
    return next((each.keyid for each in known.keys if (each.owner, each.state) == (owner, "counts")), None)


def pinning(log: str, party: str, owner: str, key: PublicKey, replaces: str | None) -> UnsignedStatement:
    """That an owner signs for a party with a new key, perhaps in the place of another."""
    return UnsignedStatement(
        KeyStatement(
            log=log,
            party=party,
            owner=owner,
            says=PINS,
            keyid=key.keyid,
            key=key.data,
            webauthn=key.passkey,
            replaces=replaces,
        )
    )


def ending(
    log: str, found: KeyView | PinnedKey, says: str, reason: str | None, since: int | None = None
) -> UnsignedStatement:
    """That a key ends, and why; of one that is revoked, the log size from which on it was compromised."""
    return UnsignedStatement(
        KeyStatement(
            log=log,
            party=found.party,
            owner=found.owner,
            says=says,
            keyid=found.keyid,
            since=since,
            reason=reason,
        )
    )


def said_of_key(said: KeyStatement) -> Iterator[str]:
    """What is said of a key, in words."""
    if said.says == PINS:
        yield f"{said.owner} signs for {said.party} with a new key."
        if said.replaces is not None:
            yield f"It takes the place of the key {said.replaces}. What that one signed stays valid."
        yield f"Its id is {said.keyid}. Have its holder read it to you, over another way than these pages."
    elif said.says == RETIRES:
        yield f"{said.owner} of {said.party} signs no more with the key {said.keyid}."
        yield "What it signed stays valid."
    else:
        yield f"The key {said.keyid} of {said.owner} of {said.party} was compromised. It is revoked for ever."
        yield f"What it signed from the log size {said.since} on admits no one any more."
    yield from public(said.reason)
    own = {("owner",), ("party",), ("says",), ("keyid",), ("replaces",), ("since",), ("reason",)}
    yield from words.fields(said.to_json(), own)


def _lost(said: KeyStatement, ask: AskAct) -> Iterator[str]:
    """What stops with a key that is revoked."""
    if said.says != REVOKES:
        return
    found = ask(keys.EFFECTS, KeyArgument(keyid=said.keyid, since=said.since or 0))
    grants = counted(len(found.grants), "grant")
    yield f"It signed {counted(found.count, 'entry', 'entries')} since then. {grants} would be suspended."
    if found.terms:
        yield f"Agencies would be asked again about {', '.join(found.terms)}."
    if found.pinned:
        yield f"{counted(len(found.pinned), 'key')} that it pinned would end with it."


def _to_sign(said: KeyStatement, ask: AskAct, signed: Collection[str]) -> int:
    return owners_to_sign(said, ask(keys.LIST, KeyFilter(party=said.party)).keys, signed)


KEY = StatementKind(
    name="key",
    title="Pin, retire or revoke a key of the developer",
    kind=KeyStatement,
    asks=KeyWord,
    look=shown_by(keys.LIST),
    make=_key,
    words=lambda said, _: said_of_key(said),
    act=keys.RECORD,
    after=lambda _: "/acts/keys.list",
    command=lambda said: {
        PINS: f"sluicegate keys pin {said.owner} --party {said.party} --new NEW --key FIRST --key SECOND",
        RETIRES: f"sluicegate keys retire {said.keyid} --reason WHY --key officer.pem",
        REVOKES: f"sluicegate keys revoke {said.keyid} --since {said.since} --reason WHY --key officer.pem",
    }[said.says],
    follows=_lost,
    needed=_to_sign,
)
