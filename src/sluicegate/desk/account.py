"""Someone's own page: their passkeys, where each signs for the agency, and where they are signed in.

Rules:
- The desk pins no key by itself. A first key goes into the developer's trust file, from outside the control
  plane; each later one is signed by owners of the agency that the log knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response
from starlette.routing import Route

from sluicegate.desk import people, statements
from sluicegate.desk.following import Following
from sluicegate.desk.site import UNKNOWN, DeskSite, Here, form, page
from sluicegate.errors import CommandRefused, InvalidInput, SluicegateError
from sluicegate.pages import answers
from sluicegate.pages.page import one
from sluicegate.ports import Passkey, PreparedStatement
from sluicegate.signin import signatures
from sluicegate.statements.keys import ending, pinning
from sluicegate.statements.kind import UnsignedStatement
from sluicegate_record.entities.key import PinnedKey
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.statements.keys import PINS, RETIRES, REVOKES, KeyStatement

COUNTS = "counts"


def routes(site: DeskSite) -> list[Route]:
    """The routes of this page and its forms."""
    return [
        page(site, "/account", _account),
        form(site, "/account/pin", _pin),
        form(site, "/account/end-key", _end_key),
        form(site, "/account/end-session", _end_session),
        form(site, "/account/remove", _remove),
        form(site, "/account/invite", _invite),
    ]


@dataclass(frozen=True, slots=True)
class AgencyKey:
    """A key of the agency in the log of an instance. `state` is `counts`, or how it ended."""

    key: PinnedKey
    state: str
    is_own: bool


@dataclass(frozen=True, slots=True)
class InstanceKeys:
    """The keys of the agency in the log of an instance; `first` says that the log has none that counts."""

    name: str
    agency: str
    keys: tuple[AgencyKey, ...]
    first: bool


@dataclass(frozen=True, slots=True)
class OwnPasskey:
    """A passkey of the reader, in the form in which it is pinned. `trust` is the text for a trust file.

    `signs_at` are the instances where it counts, `waiting` the statements that are to pin it, by instance.
    """

    passkey: Passkey
    key: PublicKey
    signs_at: tuple[str, ...]
    waiting: Mapping[str, str]
    trust: str


def _account(site: DeskSite, here: Here) -> Response:
    return _shown(site, here, None, "")


def _shown(site: DeskSite, here: Here, fault: SluicegateError | None, link: str) -> Response:
    who = here.who.principal
    store, now_ms = site.door.store, site.now_ms()
    own = site.keys(here.place, who)
    instances = [_keys(each, {key.keyid for _, key in own}) for each in site.followings.values()]
    return here.page(
        "desk/account.html",
        {
            "here": "account",
            "name": who.name,
            "own": [_own(site, each, key, instances, who.name) for each, key in own],
            "others": [each for each in store.passkeys(who.id) if each.id not in {own.id for own, _ in own}],
            "instances": instances,
            "sessions": store.sessions(who.id, now_ms),
            "fault": fault,
            "link": link,
        },
    )


def _keys(following: Following, own: set[str]) -> InstanceKeys:
    agency = following.instance.agency
    with following.lock:
        known = [key for key in following.record.keys.values() if key.party == agency]
    found = [
        AgencyKey(key, COUNTS if key.ended is None else key.ended.how, key.keyid in own) for key in known
    ]
    found.sort(key=lambda each: (each.state != COUNTS, each.key.owner, each.key.seq))
    return InstanceKeys(
        following.instance.name, agency, tuple(found), all(each.state != COUNTS for each in found)
    )


def _own(
    site: DeskSite, passkey: Passkey, key: PublicKey, instances: list[InstanceKeys], name: str
) -> OwnPasskey:
    signs_at = tuple(
        each.name
        for each in instances
        if any(pinned.key.keyid == key.keyid and pinned.state == COUNTS for pinned in each.keys)
    )
    waiting = {found.instance: found.id for found in site.preparations.all() if _pins(found, key)}
    return OwnPasskey(passkey, key, signs_at, waiting, signatures.trust_text(key, name))


def _pins(found: PreparedStatement, key: PublicKey) -> bool:
    stated = statements.stated_in(found)
    return isinstance(stated, KeyStatement) and (stated.says, stated.keyid) == (PINS, key.keyid)


def _pin(site: DeskSite, here: Here) -> Response:
    """Make the statement that pins a passkey of the reader: owners of the agency sign it, and the passkey."""
    following = site.following(one(here.sent, "instance"))
    named, owner = one(here.sent, "passkey"), one(here.sent, "owner").strip()
    key = next((key for each, key in site.keys(here.place, here.who.principal) if each.id == named), None)
    if key is None:
        raise CommandRefused("this is no passkey of yours that can be pinned", code=UNKNOWN)
    try:
        with following.lock:
            stated = _pinning(following, key, owner)
        made = statements.prepared(following, stated, here.who.principal)
    except InvalidInput as error:
        return _shown(site, here, error, "")
    site.preparations.put(made)
    return answers.next_page(f"/statements/{made.id}")


def _pinning(following: Following, key: PublicKey, owner: str) -> UnsignedStatement:
    agency, known = following.instance.agency, following.record.keys
    if key.keyid in known:
        raise InvalidInput("this key is on the record there already", remedy="make another passkey")
    current = next((each for each in known.values() if each.owner == owner and each.counts), None)
    replaces = None if current is None else current.keyid
    return pinning(following.instance.vkey, agency, owner, key, replaces)


def _end_key(site: DeskSite, here: Here) -> Response:
    """Make the statement that ends a key of the agency: one of its owners signs it."""
    following = site.following(one(here.sent, "instance"))
    keyid, reason, since = (one(here.sent, name).strip() for name in ("keyid", "reason", "since"))
    try:
        with following.lock:
            stated = _ending(following, keyid, reason, since)
        made = statements.prepared(following, stated, here.who.principal)
    except InvalidInput as error:
        return _shown(site, here, error, "")
    site.preparations.put(made)
    return answers.next_page(f"/statements/{made.id}")


def _ending(following: Following, keyid: str, reason: str, since: str) -> UnsignedStatement:
    """That a key of the agency ends: retired, or revoked since an entry. Raises: InvalidInput."""
    found = following.record.keys.get(keyid)
    if found is None or found.party != following.instance.agency:
        raise InvalidInput("this is no key of your agency there")
    if since and not (since.isascii() and since.isdigit() and len(since) < 16):
        raise InvalidInput(f"{since[:40]!r} is not the number of an entry")
    says = REVOKES if since else RETIRES
    return ending(following.instance.vkey, found, says, reason, int(since) if since else None)


def _end_session(site: DeskSite, here: Here) -> Response:
    named, own = one(here.sent, "session"), site.door.store.sessions(here.person, site.now_ms())
    if named not in {each.id for each in own}:
        raise CommandRefused("this is no session of yours", code=UNKNOWN)
    site.door.store.end(named)
    site.door.store.end_invitations(here.who.principal.id)
    return answers.next_page("/account")


def _remove(site: DeskSite, here: Here) -> Response:
    """Forget a passkey: it signs in no more. Where it is pinned it counts until its agency retires it."""
    named = one(here.sent, "passkey")
    if named not in {each.id for each in site.door.store.passkeys(here.person)}:
        raise CommandRefused("this is no passkey of yours", code=UNKNOWN)
    site.door.store.remove_passkey(named)
    return answers.next_page("/account")


def _invite(site: DeskSite, here: Here) -> Response:
    """A link for another device of the reader."""
    path = people.invited(site.door.store, here.who.principal, site.now_ms())
    return _shown(site, here, None, f"{here.place.origin}{path}")
