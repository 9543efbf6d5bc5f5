"""The Protocols between the layers: what the use cases ask of persistence, in seven ports.

Rules:
- One writer at a time: `Store.write` holds the log's head until it ends; everything done through the ports it
  gives is durable together when it ends without an exception, and none of it otherwise.
- Who needs one port asks for that one.
- Every backend passes `tests/store/contract.py`, one suite a port and one for what is done together.
- A backend raises StoreUnavailable where it cannot do what was asked, and StoreUnusable where what it
  finds is not ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeAlias

from sluicegate.acts.act import APPLICANT, DEVELOPER
from sluicegate_record import entries
from sluicegate_record.entities.logkey import LogKey, LogKeys
from sluicegate_record.entries import Entry
from sluicegate_record.entries.releases import LogKeyReplaced, LogStarted
from sluicegate_record.log import canonical
from sluicegate_record.log.dsse import PAYLOAD_TYPE_INTOTO, Envelope, Signature
from sluicegate_record.log.leaf import Opening
from sluicegate_record.log.merkle import Place

Node: TypeAlias = tuple[int, int, bytes]
"""A complete node of the tree: level, index, hash."""


@dataclass(frozen=True, slots=True)
class PastCommand:
    """A command that was done before: the digest of what was asked, and its result."""

    request: str
    result: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts: one person, or one program. `id` is the pseudonym entries name; `party` the agency spoken
    for, where it is one.

    `colleague_of` is the first principal of its organization, if a colleague invited it.
    `administers`: it says who else comes in for that organization.
    """

    id: str
    role: str
    name: str
    party: str | None = None
    colleague_of: str | None = None
    administers: bool = True

    @property
    def acts_for(self) -> str:
        """Whose cases, grants, drafts and counts are its own: an agency's, those of the applicant whose
        colleague it is, or those of itself alone. This is what is compared with what belongs to someone.
        """
        applicant = self.colleague_of if self.role == APPLICANT else None
        return self.party or applicant or self.id

    @property
    def team(self) -> tuple[str, str]:
        """The organization whose people it and its colleagues are: a role, and what `acts_for` says."""
        return self.role, "" if self.role == DEVELOPER else self.acts_for

    def is_namesake(self, other: Principal) -> bool:
        """Whether both have a name that is of one principal alone: within an organization, and among those
        of a role and party who are the first of their organizations.
        """
        both_begin = self.colleague_of is None and other.colleague_of is None
        begins_alike = both_begin and (self.role, self.party) == (other.role, other.party)
        return self.name == other.name and (self.team == other.team or begins_alike)


@dataclass(frozen=True, slots=True)
class FeedTerm:
    """Until when a feed may have given leases, as it committed before it read the log's head.

    `key` is the public key that it signs answers with, 32 raw bytes.
    No lease of this feed ends after `gives_until_ms`, milliseconds of CLOCK_BOOTTIME of the boot `boot`.
    """

    feed: str
    boot: str
    key: bytes
    gives_until_ms: float
    longest_lease_ms: int


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a gateway process, as one feed knows it.

    `leased`: it may hold a lease of this feed. `size`: how many entries it has acknowledged; `at_ms`: when
    that was heard. `ask` and `sig`: that acknowledgement as it was signed under `key`, 32 raw bytes; None of
    a run that signs nothing. `cut`: its cut requests, by directive or reason. `drifted`: in what its log or
    its fold differs. `ended_ms`: when its last lease had surely ended. Units: milliseconds since 1970 UTC.
    """

    gateway: str
    incarnation: str
    surface: str
    key: bytes | None = None
    leased: bool = False
    size: int = 0
    at_ms: int | None = None
    ask: str | None = None
    sig: str | None = None
    cut: Mapping[str, int] = field(default_factory=dict)
    drifted: str | None = None
    ended_ms: int | None = None

    @property
    def name(self) -> tuple[str, str]:
        """Which run of which gateway."""
        return self.gateway, self.incarnation

    def within(self, size: int, root: Callable[[int], bytes]) -> Run:
        """This run, without an acknowledgement that is not of a log.

        A database that was put back may have grown to other entries than a run has acknowledged. `size` is
        that of the log, `root` gives the root of its first entries.
        """
        if self.ask is None:
            return self
        is_of_it = self.size <= size and json.loads(self.ask)["root"] == root(self.size).hex()
        return self if is_of_it else replace(self, size=0, at_ms=None, ask=None, sig=None)


class FeedRecord(NamedTuple):
    """What a feed has committed, at one moment: its term, None before the first, and its runs."""

    term: FeedTerm | None
    runs: Sequence[Run]


class Allotment(NamedTuple):
    """Cells of the rates of a surface that one spender may have: from `begin` to `end`, exclusive.

    A spender is one run of a gateway, or several that one after the other go on with what is left.
    """

    surface: str
    spender: str
    begin: int
    end: int


class Budget(NamedTuple):
    """How many requests of a stage one spender may let through in all on a day, at most.

    Units: `day` since 1970 UTC. A spender is as that of an `Allotment`.
    """

    stage: str
    day: int
    spender: str
    most: int


UNCONFIRMED, EMAIL, WEBHOOK = "unconfirmed", "email", "webhook"
"""The kinds of subscriptions."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where a principal wants its notices: `target` is the URL of a `webhook`, or the address of an `email`.

    An address of the kind `unconfirmed` gets only the letter that asks for its confirmation.
    `gone` says that its receiver wants no more notices: nothing is posted to it.
    """

    id: str
    principal: str
    kind: str
    target: str
    created_at_ms: int
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """What is to be delivered to a subscription. `message` names it, at every attempt.

    Units: `due_ms` milliseconds since 1970 UTC, not delivered earlier; `attempts` have failed so far, the
    last one by `error`.
    """

    message: str
    subscription: str
    case: str
    body: bytes
    due_ms: int
    attempts: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class SavedDraft:
    """An application that is not submitted: whose it is, and what it asks, as JSON."""

    id: str
    principal: str
    body: str
    created_at_ms: int


class Registration(NamedTuple):
    """An organization: its legal name as `core.people.legal_names.name_key` spells it, its country."""

    name: str
    registered_in: str


class StoredHead(NamedTuple):
    """How long the log is, and the signed checkpoint that says so; empty before the first entry."""

    size: int
    checkpoint: str


class PublishedEntry(NamedTuple):
    """What a gateway gets of an entry: its leaf, and what opens its gate part."""

    leaf: bytes
    gate: Mapping[str, Opening]


def log_keys(log: Log) -> LogKeys:
    """The keys of a log, as its entries say: whether they may is for the law. None before its first entry."""
    first = log.tail(0, 1)
    body = entries.read(first[0].leaf, first[0].gate).body if first else None
    if not isinstance(body, LogStarted):
        return LogKeys()
    keys = LogKeys((LogKey(vkey=body.vkey),))
    for entry in log.handovers():
        if isinstance(entry.body, LogKeyReplaced):
            keys = keys.followed_by(entry.body.key, entry.seq + 1, entry.body.officers)
    return keys


class Log(Protocol):
    """The log, and the results of the commands that appended to it."""

    def size(self) -> int:
        """The number of entries."""

    def checkpoint(self) -> str:
        """The newest signed head, empty before the first entry."""

    def head(self) -> StoredHead:
        """The size and the signed head of the log as it is on the disk now.

        Raises: StoreUnusable: its file is not the one that was opened any more.
        """

    def tail(self, after: int, limit: int) -> Sequence[PublishedEntry]:
        """At most `limit` entries from `after` on, unread."""

    def plans(self) -> Sequence[Entry]:
        """The entries that put plans in force, oldest first, without their sealed parts."""

    def handovers(self) -> Sequence[Entry]:
        """The entries that replace the log's own key, oldest first."""

    def entries(self, after: int, limit: int) -> Sequence[Entry]:
        """At most `limit` entries from `after` on, with all their parts."""

    def at(self, seqs: Sequence[int]) -> Sequence[Entry]:
        """The entries at some places, in the order of the log, with all their parts."""

    def leaves(self, start: int, end: int) -> Sequence[bytes]:
        """The leaves of the entries `start` to `end` (exclusive)."""

    def nodes(self, places: Sequence[Place]) -> Sequence[bytes]:
        """The stored tree nodes at some places, in their order. Raises StoreUnusable: one is missing."""

    def sealed(self, seqs: Collection[int]) -> Mapping[int, Mapping[str, Opening]]:
        """The sealed parts of some entries, by `seq`; an entry without any is left out."""

    def append(self, entries: Sequence[Entry], nodes: Sequence[Node], checkpoint: str) -> None:
        """Append entries, the tree nodes they completed, and the signed head that holds them."""

    def done(self, command: str) -> PastCommand | None:
        """The result of a command, if it was done before."""

    def remember(self, command: str, done: PastCommand) -> None:
        """Remember the result of a command."""


class Outbox(Protocol):
    """Who is to be notified, and the letters that are not delivered yet."""

    def subscriptions(self, principal: str) -> Sequence[Subscription]:
        """Those of one principal, oldest first."""

    def subscribers(self, applicants: Collection[str]) -> Sequence[tuple[Subscription, Principal]]:
        """The subscriptions of the developer's staff, of agencies and of who acts for some applicants, each
        with its principal.

        One that is not confirmed or is gone is left out, and so is one whose principal's token has ended.
        """

    def add_subscription(self, subscription: Subscription) -> None:
        """Note a new subscription."""

    def unconfirmed(self, since_ms: int) -> Sequence[Subscription]:
        """The unconfirmed subscriptions of everyone. Those made before are forgotten."""

    def confirm_subscription(self, subscription: str) -> None:
        """Note that the address of an unconfirmed subscription is its owner's."""

    def remove_subscription(self, subscription: str) -> None:
        """Forget a subscription and all its letters."""

    def end_subscription(self, subscription: str, error: str) -> None:
        """Note that a subscription's receiver is gone: all its waiting letters are dead."""

    def post(self, letters: Sequence[Letter]) -> None:
        """Put letters into the outbox, in this order; one whose message is already there stays as it is."""

    def due(self, now_ms: int, busy: Collection[str], limit: int) -> Sequence[tuple[Subscription, Letter]]:
        """What to deliver now: at most one letter for each subscription that is not `busy`.

        Only the oldest waiting letter of a subscription and case is ever due, so that the letters of a case
        come in order; the others of a subscription go past one that has to wait.
        """

    def next_due_ms(self, busy: Collection[str]) -> int | None:
        """When the next letter of a subscription that is not `busy` is due, None where none waits."""

    def delivered(self, message: str) -> None:
        """Forget a letter: it has arrived."""

    def put_off(self, message: str, due_ms: int, error: str) -> None:
        """Note a failed attempt, and when to try again."""

    def bury(self, message: str, error: str) -> None:
        """Note the last failed attempt: the letter is dead."""

    def dead(self, principal: str, limit: int) -> Sequence[tuple[Subscription, Letter]]:
        """Dead letters of one principal, oldest first."""

    def replay(self, principal: str, message: str | None, due_ms: int) -> int:
        """Make dead letters of a principal wait again, one or all; how many there were.

        A subscription that was gone is back with them.
        """

    def counts(self) -> Mapping[str, int]:
        """How many letters are `waiting` and `dead`."""


class Spent(NamedTuple):
    """What was used of a daily limit is free again at `until_ms`, milliseconds since 1970 UTC, by `limit`."""

    until_ms: int
    limit: int


class KnownTokens(Protocol):
    """Who holds a token. Tokens are kept as SHA-256 digests of 32 bytes."""

    def by_token(self, token_digest: bytes) -> Principal | None:
        """The holder of a token."""


class Principals(Protocol):
    """Who acts here; the organizations that they named, and the applications that they keep as drafts."""

    def by_token(self, token_digest: bytes) -> Principal | None:
        """The holder of a token."""

    def holder(self, principal: str) -> Principal | None:
        """A principal by its id, unless its token has ended."""

    def add(self, token_digest: bytes, principal: Principal) -> None:
        """Note a token by its digest."""

    def replace(
        self, token_digest: bytes, principal: Principal, *, at_ms: int = 0, overlap_ms: int = 0
    ) -> None:
        """Note a token by its digest; a namesake that was known before is known no more.

        It is made at `at_ms`, milliseconds since 1970 UTC; the one before counts for `overlap_ms` more.
        """

    def issued(self) -> Mapping[str, int]:
        """When the token of each principal was made, where that is known: milliseconds since 1970 UTC."""

    def all(self) -> Sequence[Principal]:
        """Every principal, also those whose token has ended."""

    def team(self, of: Principal, *, ended: bool = True) -> Sequence[Principal]:
        """The people of a principal's organization, by name; without `ended` none whose token has ended."""

    def namesakes(self, of: Principal) -> Sequence[Principal]:
        """Those who have a principal's name already, also those whose token has ended."""

    def administer(self, principal: str, *, administers: bool) -> None:
        """Note whether a principal administers its organization from now on."""

    def end(self, principal: str) -> None:
        """End the token of a principal. The principal stays; `replace` gives it another token."""

    def ended(self) -> frozenset[str]:
        """The ids of the principals whose token has ended."""

    def organization(self, owner: str, name: str, registered_in: str) -> str | None:
        """The pseudonym under which `owner` has named this organization before."""

    def add_organization(self, pseudonym: str, owner: str, name: str, registered_in: str) -> None:
        """Note a new organization."""

    def name_secret(self, purpose: str) -> bytes | None:
        """What keys the names of organizations in entries, for a purpose; None before it was kept."""

    def keep_name_secret(self, purpose: str, secret: bytes) -> None:
        """Keep it, for ever: the log's key, from which it comes, may be replaced."""

    def organizations(self, bare: Collection[str]) -> Sequence[tuple[str, str]]:
        """The organizations whose legal names have one of these `bare_key`s: each pseudonym with its key."""

    def organizations_like(self, part: str, limit: int) -> Sequence[str]:
        """The pseudonyms of at most `limit` organizations in whose legal name `part` occurs."""

    def organizations_near(self, name: str) -> Sequence[tuple[str, str]]:
        """The pseudonym and legal name of the organizations that have most parts of `name` in theirs."""

    def named_like(self, pseudonyms: Collection[str], part: str) -> frozenset[str]:
        """Those of these organizations in whose legal name `part` occurs."""

    def registered(self, pseudonym: str) -> Registration | None:
        """The organization behind a pseudonym."""

    def drafts(self, owner: str) -> Sequence[SavedDraft]:
        """Those of who acts for one owner, oldest first."""

    def add_draft(self, draft: SavedDraft) -> None:
        """Note a draft of an application."""

    def remove_draft(self, draft: str) -> None:
        """Forget a draft."""

    def spent(self, party: str) -> Mapping[str, Spent]:
        """What a party has used of each daily limit."""

    def spend(self, party: str, spent: Mapping[str, Spent]) -> None:
        """Note that in place of what was noted."""


class FeedKeys(Protocol):
    """The keys of feeds, as the log's key certifies them; and what builds without feeds have left."""

    def certificate(self, feed: str) -> str | None:
        """The newest certificate of a feed, as JSON."""

    def certify(self, feed: str, certificate: str) -> None:
        """Note a certificate in place of the one before."""

    def has_earlier_runs(self) -> bool:
        """Whether runs are noted that an earlier build gave leases to."""

    def forget_earlier_runs(self) -> None:
        """Forget those runs: their leases have ended."""


class KeyDay(NamedTuple):
    """How many requests of a credential for a model were let through and refused on a day. `model` is empty
    if they are counted without one. Units: days since 1970 UTC.
    """

    credential: str
    day: int
    passed: int
    refused: int
    model: str = ""

    @property
    def place(self) -> tuple[str, int, str]:
        """What it counts: counts of one place add up."""
        return self.credential, self.day, self.model

    def plus(self, more: KeyDay) -> KeyDay:
        """With more of the same place."""
        return self._replace(passed=self.passed + more.passed, refused=self.refused + more.refused)


class KeyUses(Protocol):
    """When keys were last used, and how often on each day, by what gateways report: it decides nothing."""

    def last(self, credentials: Collection[str]) -> Mapping[str, int]:
        """When each of some credentials was last used, milliseconds since 1970 UTC; without unused ones."""

    def note(self, credentials: Collection[str], at_ms: int) -> None:
        """Note that some credentials were used at a time; an earlier one than is noted changes nothing."""

    def days(self, credentials: Collection[str], since: int) -> Sequence[KeyDay]:
        """The counts of some credentials from a day on, by credential, day and model."""

    def count(self, days: Collection[KeyDay]) -> None:
        """Add to the counts of some days."""

    def forget_days(self, before: int, most: int) -> None:
        """Forget at most `most` counts of days before this one."""


NO_PARTS: Mapping[str, Sequence[Allotment]] = MappingProxyType({})


class FeedRegister(Protocol):
    """What one feed alone writes: its term, its runs, who may have which parts of the rates and budgets."""

    def load(self) -> FeedRecord:
        """What was committed last."""

    def allotments(self) -> Sequence[Allotment]:
        """Those that were committed last."""

    def budgets(self) -> Sequence[Budget]:
        """Those that were committed and not forgotten, in no order."""

    def commit(
        self,
        term: FeedTerm,
        runs: Sequence[Run],
        gone: Sequence[Run],
        parts: Mapping[str, Sequence[Allotment]] = NO_PARTS,
        budgets: Sequence[Budget] = (),
    ) -> None:
        """Note the term and some runs, and forget those that are gone: all of it, durably, or nothing.

        `parts` has all allotments of each surface of which they change, `budgets` those that change; one of
        nothing is forgotten.

        Raises: StoreUnavailable: it is not known whether it was done.
        """


class Feeds(Protocol):
    """What every feed of a log has committed."""

    def records(self) -> Sequence[FeedRecord]:
        """One record a feed, read after this is called. Raises: StoreUnavailable: one cannot be read."""

    def terms(self, but: str) -> Mapping[str, FeedTerm | None]:
        """The term of every feed but one, read after this is called; None of one that cannot be read now."""


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey that someone signs in with. Units: milliseconds since 1970 UTC.

    `id` is that of the credential, base64url; `public_key` its COSE key. `counter` is what its authenticator
    counted last. `name` is how its holder calls it.
    """

    id: str
    principal: str
    name: str
    public_key: bytes
    counter: int
    created_ms: int
    used_ms: int | None = None


@dataclass(frozen=True, slots=True)
class PageSession:
    """Someone is signed in. Units: milliseconds since 1970 UTC.

    `how`: `passkey`, `token`, `invitation` or `provider`. `agent` is how the browser calls itself.
    """

    id: str
    principal: str
    how: str
    agent: str
    created_ms: int
    seen_ms: int
    until_ms: int


class SignIns(Protocol):
    """How people come in: invitations, passkeys, sessions. Each is of one principal.

    Of what is secret only SHA-256 digests are kept.
    """

    def invite(self, digest: bytes, principal: str, until_ms: int, most: int, by: str = "") -> None:
        """Note an invitation, which counts once. The `most` latest of a principal count. `by` made it."""

    def invited(self, digest: bytes, now_ms: int) -> str | None:
        """The principal that an invitation is for, while it counts."""

    def take_invitation(self, digest: bytes, now_ms: int) -> str | None:
        """The same; and it counts no more."""

    def add_passkey(self, passkey: Passkey) -> None:
        """Note a new passkey."""

    def passkey(self, passkey: str) -> Passkey | None:
        """A passkey by its id."""

    def passkeys(self, principal: str) -> Sequence[Passkey]:
        """Those of a principal, oldest first."""

    def used_passkey(self, passkey: str, counter: int, at_ms: int) -> None:
        """Note that someone has signed in with a passkey."""

    def remove_passkey(self, passkey: str) -> None:
        """Forget a passkey; end the sessions of its principal that began with one, and its invitations, as
        `end_invitations` does.
        """

    def begin(self, digest: bytes, session: PageSession, most: int) -> None:
        """Note that someone has signed in. The `most` latest of a principal count.

        Sessions that have ended are forgotten.
        """

    def signed_in(self, digest: bytes, now_ms: int) -> PageSession | None:
        """A session that has not ended."""

    def saw(self, session: str, at_ms: int, until_ms: int) -> None:
        """Note that a session was used, and when it ends now."""

    def sessions(self, principal: str, now_ms: int) -> Sequence[PageSession]:
        """The sessions of a principal that have not ended, oldest first."""

    def end(self, session: str) -> None:
        """End a session."""

    def end_invitations(self, principal: str) -> None:
        """End all invitations that are for a principal or that it made."""

    def end_sessions(self, principal: str) -> None:
        """End all sessions of a principal, and its invitations."""

    def shut_out(self, principal: str) -> None:
        """The same, and forget its passkeys."""


@dataclass(frozen=True, slots=True)
class PreparedStatement:
    """A statement that is not on the record yet: it still lacks signatures.

    `payload` are the bytes that are signed. `id` is their digest, in hex digits; of one of a set, which go on
    the record at once, it is the name of the set, a dash, and its place in it. `by` and `name` are the id and
    the name of who made it. `opened` opens its commitments, by field. `instance` is whose log it is for, at a
    desk; a control plane has its own alone. `premise` is the digest of what was said of it when it was made
    and of what it is bound to, where that may change. Units: milliseconds since 1970 UTC.
    """

    id: str
    payload: bytes
    by: str
    name: str
    at_ms: int
    instance: str = ""
    opened: Mapping[str, Opening] = field(default_factory=dict)
    signatures: tuple[Signature, ...] = ()
    premise: str = ""

    @property
    def envelope(self) -> Envelope:
        """It with the signatures so far."""
        return Envelope(PAYLOAD_TYPE_INTOTO, self.payload, self.signatures)

    @property
    def digest(self) -> str:
        """The digest of what is signed."""
        return canonical.sha256_hex(self.payload)

    @property
    def set_name(self) -> str:
        """The name of its set; its own id, if it goes on the record alone."""
        return set_name(self.id)

    @property
    def is_of_set(self) -> bool:
        """Whether it goes on the record with others, or not at all."""
        return self.id != self.set_name


def set_name(id_: str) -> str:
    """The name of the set of a statement that is prepared, by its id."""
    return id_.partition("-")[0]


class Preparations(Protocol):
    """The statements that are to be signed, of a control plane or a desk. Of each who makes some there is a
    bound, of statements or sets: the oldest of theirs go; and all go that are so old that the record would
    refuse them. A set is kept whole, and goes whole.
    """

    def get(self, id_: str) -> PreparedStatement | None:
        """One."""

    def all(self) -> Sequence[PreparedStatement]:
        """Every one, the oldest first."""

    def of_set(self, id_: str) -> Sequence[PreparedStatement]:
        """All of the set of one, in their order; it alone, if it is of none."""

    def put(self, made: PreparedStatement, *others: PreparedStatement) -> None:
        """Keep one, with all others of its set. One of the same id stays as it is, with its signatures."""

    def sign(self, id_: str, signature: Signature) -> PreparedStatement | None:
        """Add a signature to those that one has by now.

        It, with the signature; None, and nothing is kept: it is here no more, or has one of this key.
        """

    def forget(self, id_: str) -> None:
        """Forget one, with its set: it is on the record, or is not to be signed."""


class Ports(Protocol):
    """The seven ports onto one database."""

    @property
    def log(self) -> Log:
        """The log."""

    @property
    def outbox(self) -> Outbox:
        """The letters."""

    @property
    def principals(self) -> Principals:
        """The principals."""

    @property
    def feed_keys(self) -> FeedKeys:
        """The keys of feeds."""

    @property
    def key_uses(self) -> KeyUses:
        """The last uses of keys."""

    @property
    def sign_ins(self) -> SignIns:
        """How people come in."""

    @property
    def preparations(self) -> Preparations:
        """The statements that are to be signed."""


class Store(Ports, Protocol):
    """Persistence. Each call to one of its own ports is a transaction by itself."""

    def write(self) -> AbstractContextManager[Ports]:
        """Hold the head: all that is done through these ports is one transaction."""

    def close(self) -> None:
        """Let go of everything."""


class DeskMemory(Protocol):
    """What a desk keeps beside the copies of logs: its people, and what each has seen."""

    def people(self) -> Sequence[str]:
        """The names of those who may come in, sorted."""

    def let_in(self, person: str) -> None:
        """Let someone come in, by name. One who may already stays."""

    def shut_out(self, person: str) -> None:
        """Let someone come in no more."""

    def seen(self, person: str) -> Mapping[tuple[str, str], int]:
        """How many entries the log had when a person last looked at a case, by its instance and case."""

    def see(self, person: str, instance: str, case: str, size: int) -> None:
        """Note that a person has looked at a case. It never goes back."""
