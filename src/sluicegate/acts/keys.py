"""Acts on signing keys: which count, what they signed last, and what their parties sign about them."""

from __future__ import annotations

from typing import Annotated

from sluicegate.acts.act import AGENCY, APPLICANT, DEVELOPER, Act, ActAnswer, Arguments, Done
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.fields import text
from sluicegate.acts.growth import daily
from sluicegate_record.form import Base64, Note, Time, form, within

KeyId = Annotated[str, text(64, 64, "[0-9a-f]{64}"), Note("The id of the key.")]


@form
class KeyFilter(Arguments):
    """Which keys."""

    party: Annotated[str | None, Note("Only of this party.")] = None
    state: Annotated[str | None, Note("counts | retired | revoked")] = None


@form
class KeyView(ActAnswer):
    """A key. `state` is `counts`, `retired` or `revoked`.

    `seq` is the entry that pinned it, `by` the owners who signed that; none if the configuration pinned it.
    `ended_seq` is the entry that ended it, `since` the log size from which on what it signed admits no one.
    `used_seq` and `used_ms` are the newest entry that it signed.
    """

    keyid: str
    owner: str
    party: str
    public: Base64
    state: str
    seq: int
    by: tuple[str, ...] = ()
    passkey: bool = False
    ended_seq: int | None = None
    since: int | None = None
    used_seq: int | None = None
    used_ms: Time | None = None
    opens: Annotated[bool, Note("Whether something can be sealed to it.")] = False


@form
class LogKeyView(ActAnswer):
    """A key of the log itself. `seq` is the entry that put it in its place, `by` the officers who signed
    that, if the key before did not. `ended_seq` is the entry that replaced it.
    """

    vkey: str
    seq: int
    by: tuple[str, ...] = ()
    ended_seq: int | None = None


@form
class SigningKeys(ActAnswer):
    """The keys of a log, by party and owner, the oldest first. `log` is the log's first verifier key."""

    size: int
    log: str
    developer: str
    keys: tuple[KeyView, ...]
    log_keys: tuple[LogKeyView, ...]


@form
class KeyArgument(Arguments):
    """Which key, and from which log size on it is looked at."""

    keyid: KeyId
    since: Annotated[int, within(0, 2**53 - 1), Note("The log size from which on it was compromised.")] = 0


@form
class SignedEntry(ActAnswer):
    """An entry that a key signed: its place, its type, what it is about."""

    seq: int
    type: str
    about: str
    at_ms: Time


@form
class KeyEffects(ActAnswer):
    """What a key signed since a log size, and which grants would be suspended if it was compromised then.

    `signed` are at most 500 entries, `count` says how many there are. `terms` are `release/stage` whose
    agencies would be asked again. `pinned` are the keys that would end with it.
    """

    size: int
    keyid: str
    owner: str
    since: int
    count: int
    signed: tuple[SignedEntry, ...]
    grants: tuple[str, ...]
    terms: tuple[str, ...]
    pinned: tuple[str, ...]


@form
class KeyReceipt(Done):
    """What was put on the record about a key: its state now, and the grants that are suspended by that."""

    keyid: str
    owner: str
    party: str
    state: str
    since: int | None = None
    grants: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()


LIST = Act(
    "keys.list",
    frozenset({DEVELOPER, AGENCY, APPLICANT}),
    "question",
    "/api/v1/keys",
    KeyFilter,
    SigningKeys,
    "List the signing keys on the record: whose they are, whether they count, and what each signed last.",
)
EFFECTS = Act(
    "keys.effects",
    frozenset({DEVELOPER, AGENCY}),
    "question",
    "/api/v1/keys/{keyid}/effects",
    KeyArgument,
    KeyEffects,
    "Show what a key signed since a log size, and what would stop if it was compromised then.",
)
RECORD = Act(
    "keys.record",
    frozenset({DEVELOPER, AGENCY}),
    "command",
    "/api/v1/keys",
    SignedStatement,
    KeyReceipt,
    "Put what a party signed about a key of its own on the record: it is pinned, retired or revoked.",
    daily("signers"),
    effect="directs",
)
