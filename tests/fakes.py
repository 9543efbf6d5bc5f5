"""Fakes that implement a port."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, fields, replace
from operator import attrgetter

from sluicegate.acts.act import AGENCY, DEVELOPER
from sluicegate.core.people.legal_names import bare_key
from sluicegate.errors import StoreUnavailable, StoreUnusable
from sluicegate.ports import (
    EMAIL,
    NO_PARTS,
    UNCONFIRMED,
    Allotment,
    Budget,
    FeedRecord,
    FeedTerm,
    KeyDay,
    Letter,
    Node,
    PageSession,
    Passkey,
    PastCommand,
    PreparedStatement,
    Principal,
    PublishedEntry,
    Registration,
    Run,
    SavedDraft,
    Spent,
    StoredHead,
    Subscription,
    set_name,
)
from sluicegate.store.preparations import PREPARED_MAX
from sluicegate_record.entries import Entry, read
from sluicegate_record.log.dsse import Signature
from sluicegate_record.log.leaf import Opening
from sluicegate_record.log.merkle import Place
from sluicegate_record.statements.statement import KEPT_MS


@dataclass
class Contents:
    """All that a store holds."""

    entries: list[Entry] = field(default_factory=list)
    nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)
    checkpoint: str = ""
    done: dict[str, PastCommand] = field(default_factory=dict)
    principals: dict[bytes, Principal] = field(default_factory=dict)
    earlier: dict[bytes, str] = field(default_factory=dict)
    issued: dict[str, int] = field(default_factory=dict)
    organizations: dict[tuple[str, str, str], str] = field(default_factory=dict)
    name_secrets: dict[str, bytes] = field(default_factory=dict)
    drafts: dict[str, SavedDraft] = field(default_factory=dict)
    spent: dict[str, dict[str, Spent]] = field(default_factory=dict)
    certificates: dict[str, str] = field(default_factory=dict)
    has_earlier_runs: bool = False
    key_uses: dict[str, int] = field(default_factory=dict)
    key_days: dict[tuple[str, int, str], KeyDay] = field(default_factory=dict)
    invitations: dict[bytes, tuple[str, int, str]] = field(default_factory=dict)
    passkeys: dict[str, Passkey] = field(default_factory=dict)
    sessions: dict[bytes, PageSession] = field(default_factory=dict)
    preparations: dict[str, PreparedStatement] = field(default_factory=dict)
    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    waiting: dict[str, tuple[int, Letter]] = field(default_factory=dict)
    """By message: the place in the order, and the letter."""
    dead: dict[str, tuple[int, Letter]] = field(default_factory=dict)
    posted: int = 0

    def copy(self) -> Contents:
        held = {each.name: getattr(self, each.name) for each in fields(self)}
        return replace(self, **{name: value.copy() for name, value in held.items() if hasattr(value, "copy")})


class MemorySession:
    """Where a fake port finds the contents: the store's own, or those of one write."""

    def __init__(
        self, contents: Contents, lock: Callable[[], AbstractContextManager[object]] = nullcontext
    ) -> None:
        self.contents = contents
        self.changing = lock
        """Held while something changes."""


class MemoryLog:
    """`ports.Log`."""

    def __init__(self, session: MemorySession) -> None:
        self.session = session

    def size(self) -> int:
        return len(self.session.contents.entries)

    def checkpoint(self) -> str:
        return self.session.contents.checkpoint

    def head(self) -> StoredHead:
        return StoredHead(self.size(), self.checkpoint())

    def tail(self, after: int, limit: int) -> Sequence[PublishedEntry]:
        return [PublishedEntry(entry.leaf, entry.gate) for entry in self.entries(after, limit)]

    def handovers(self) -> Sequence[Entry]:
        return [entry for entry in self.session.contents.entries if entry.type == "log.key_replaced"]

    def plans(self) -> Sequence[Entry]:
        found = self.session.contents.entries[: self.size()]
        return [read(entry.leaf, entry.gate) for entry in found if entry.type == "release.applied"]

    def entries(self, after: int, limit: int) -> Sequence[Entry]:
        return self.session.contents.entries[after : after + limit]

    def at(self, seqs: Sequence[int]) -> Sequence[Entry]:
        return [self.session.contents.entries[seq] for seq in sorted(set(seqs)) if seq < self.size()]

    def leaves(self, start: int, end: int) -> Sequence[bytes]:
        return [entry.leaf for entry in self.session.contents.entries[start:end]]

    def nodes(self, places: Sequence[Place]) -> Sequence[bytes]:
        held = self.session.contents.nodes
        for level, index in places:
            if (level, index) not in held:
                raise StoreUnusable(f"the tree node {level}/{index} is missing")
        return [held[place] for place in places]

    def sealed(self, seqs: Collection[int]) -> Mapping[int, Mapping[str, Opening]]:
        entries = self.session.contents.entries
        return {seq: entries[seq].sealed for seq in seqs if seq < len(entries) and entries[seq].sealed}

    def append(self, entries: Sequence[Entry], nodes: Sequence[Node], checkpoint: str) -> None:
        with self.session.changing():
            held = self.session.contents
            held.entries += entries
            held.nodes |= {(level, index): node for level, index, node in nodes}
            held.checkpoint = checkpoint

    def done(self, command: str) -> PastCommand | None:
        return self.session.contents.done.get(command)

    def remember(self, command: str, done: PastCommand) -> None:
        with self.session.changing():
            self.session.contents.done[command] = done


class MemoryPrincipals:
    """`ports.Principals`."""

    def __init__(self, session: MemorySession) -> None:
        self.session = session

    def by_token(self, token_digest: bytes) -> Principal | None:
        held = self.session.contents
        earlier = held.earlier.get(token_digest)
        known = (each for each in held.principals.values() if each.id == earlier)
        return held.principals.get(token_digest) or next(known, None)

    def holder(self, principal: str) -> Principal | None:
        held = self.session.contents.principals.items()
        known = (of for digest, of in held if not digest.startswith(b"ended"))
        return next((each for each in known if each.id == principal), None)

    def add(self, token_digest: bytes, principal: Principal) -> None:
        with self.session.changing():
            self.session.contents.principals[token_digest] = principal

    def replace(
        self, token_digest: bytes, principal: Principal, *, at_ms: int = 0, overlap_ms: int = 0
    ) -> None:
        with self.session.changing():
            held = self.session.contents
            held.earlier = {each: of for each, of in held.earlier.items() if of != principal.id}
            if overlap_ms:
                own = (each for each, of in held.principals.items() if of.id == principal.id)
                held.earlier |= {each: principal.id for each in own if not each.startswith(b"ended")}
            held.issued = {**held.issued, principal.id: at_ms}
            kept = {
                digest: known
                for digest, known in held.principals.items()
                if known.id != principal.id and not known.is_namesake(principal)
            }
            held.principals = {**kept, token_digest: principal}

    def all(self) -> Sequence[Principal]:
        return list(self.session.contents.principals.values())

    def team(self, of: Principal, *, ended: bool = True) -> Sequence[Principal]:
        out = () if ended else self.ended()
        found = (each for each in self.all() if each.team == of.team and each.id not in out)
        return sorted(found, key=attrgetter("name", "id"))

    def namesakes(self, of: Principal) -> Sequence[Principal]:
        return [each for each in self.all() if each.is_namesake(of)]

    def administer(self, principal: str, *, administers: bool) -> None:
        with self.session.changing():
            held = self.session.contents
            held.principals = {
                digest: replace(known, administers=administers) if known.id == principal else known
                for digest, known in held.principals.items()
            }

    def issued(self) -> Mapping[str, int]:
        return {name: at_ms for name, at_ms in self.session.contents.issued.items() if at_ms}

    def end(self, principal: str) -> None:
        with self.session.changing():
            held = self.session.contents
            held.earlier = {each: of for each, of in held.earlier.items() if of != principal}
            held.principals = {
                b"ended" + known.id.encode() if known.id == principal else digest: known
                for digest, known in held.principals.items()
            }

    def ended(self) -> frozenset[str]:
        held = self.session.contents.principals.items()
        return frozenset(known.id for digest, known in held if digest.startswith(b"ended"))

    def organization(self, owner: str, name: str, registered_in: str) -> str | None:
        return self.session.contents.organizations.get((owner, name, registered_in))

    def add_organization(self, pseudonym: str, owner: str, name: str, registered_in: str) -> None:
        with self.session.changing():
            self.session.contents.organizations[owner, name, registered_in] = pseudonym

    def name_secret(self, purpose: str) -> bytes | None:
        return self.session.contents.name_secrets.get(purpose)

    def keep_name_secret(self, purpose: str, secret: bytes) -> None:
        with self.session.changing():
            self.session.contents.name_secrets[purpose] = secret

    def organizations(self, bare: Collection[str]) -> Sequence[tuple[str, str]]:
        known = self.session.contents.organizations.items()
        return [(who, bare_key(name)) for (_, name, _), who in known if bare_key(name) in bare]

    def organizations_like(self, part: str, limit: int) -> Sequence[str]:
        known = self.session.contents.organizations.items()
        return [who for (_, name, _), who in known if part in name][:limit]

    def organizations_near(self, name: str) -> Sequence[tuple[str, str]]:
        threes = {name[at : at + 3] for at in range(len(name) - 2)}
        known = [
            (sum(three in each for three in threes), who, each)
            for (_, each, _), who in self.session.contents.organizations.items()
        ]
        return [(who, each) for shared, who, each in sorted(known, reverse=True)[:20] if shared]

    def named_like(self, pseudonyms: Collection[str], part: str) -> frozenset[str]:
        return frozenset(self.organizations_like(part, len(self.session.contents.organizations))) & {
            *pseudonyms
        }

    def registered(self, pseudonym: str) -> Registration | None:
        found = (
            Registration(name, country)
            for (_, name, country), who in self.session.contents.organizations.items()
            if who == pseudonym
        )
        return next(found, None)

    def drafts(self, principal: str) -> Sequence[SavedDraft]:
        own = [found for found in self.session.contents.drafts.values() if found.principal == principal]
        return sorted(own, key=lambda draft: (draft.created_at_ms, draft.id))

    def add_draft(self, draft: SavedDraft) -> None:
        with self.session.changing():
            self.session.contents.drafts[draft.id] = draft

    def remove_draft(self, draft: str) -> None:
        with self.session.changing():
            self.session.contents.drafts.pop(draft, None)

    def spent(self, party: str) -> Mapping[str, Spent]:
        return self.session.contents.spent.get(party, {})

    def spend(self, party: str, spent: Mapping[str, Spent]) -> None:
        with self.session.changing():
            self.session.contents.spent[party] = dict(spent)


class MemoryFeedKeys:
    """`ports.FeedKeys`."""

    def __init__(self, session: MemorySession) -> None:
        self.session = session

    def certificate(self, feed: str) -> str | None:
        return self.session.contents.certificates.get(feed)

    def certify(self, feed: str, certificate: str) -> None:
        with self.session.changing():
            self.session.contents.certificates[feed] = certificate

    def has_earlier_runs(self) -> bool:
        return self.session.contents.has_earlier_runs

    def forget_earlier_runs(self) -> None:
        with self.session.changing():
            self.session.contents.has_earlier_runs = False


class MemoryKeyUses:
    """`ports.KeyUses`."""

    def __init__(self, session: MemorySession) -> None:
        self.session = session

    def last(self, credentials: Collection[str]) -> Mapping[str, int]:
        uses = self.session.contents.key_uses
        return {each: uses[each] for each in credentials if each in uses}

    def note(self, credentials: Collection[str], at_ms: int) -> None:
        with self.session.changing():
            uses = self.session.contents.key_uses
            uses |= {each: max(at_ms, uses.get(each, at_ms)) for each in credentials}

    def days(self, credentials: Collection[str], since: int) -> Sequence[KeyDay]:
        kept = self.session.contents.key_days
        return [kept[name] for name in sorted(kept) if name[0] in credentials and name[1] >= since]

    def count(self, days: Collection[KeyDay]) -> None:
        with self.session.changing():
            kept = self.session.contents.key_days
            for each in days:
                before = kept.get(each.place)
                kept[each.place] = each if before is None else before.plus(each)

    def forget_days(self, before: int, most: int) -> None:
        with self.session.changing():
            kept = self.session.contents.key_days
            for name in [name for name in kept if name[1] < before][:most]:
                del kept[name]


class MemorySignIns:
    """`ports.SignIns`."""

    def __init__(self, session: MemorySession) -> None:
        self.session = session

    def invite(self, digest: bytes, principal: str, until_ms: int, most: int, by: str = "") -> None:
        with self.session.changing():
            held = self.session.contents.invitations
            held[digest] = (principal, until_ms, by)
            own = sorted((ends_ms, each) for each, (who, ends_ms, _) in held.items() if who == principal)
            for _, each in own[:-most]:
                del held[each]

    def invited(self, digest: bytes, now_ms: int) -> str | None:
        principal, until_ms, _ = self.session.contents.invitations.get(digest, (None, 0, ""))
        return principal if until_ms > now_ms else None

    def take_invitation(self, digest: bytes, now_ms: int) -> str | None:
        with self.session.changing():
            found = self.invited(digest, now_ms)
            self.session.contents.invitations.pop(digest, None)
        return found

    def add_passkey(self, passkey: Passkey) -> None:
        with self.session.changing():
            self.session.contents.passkeys[passkey.id] = passkey

    def passkey(self, passkey: str) -> Passkey | None:
        return self.session.contents.passkeys.get(passkey)

    def passkeys(self, principal: str) -> Sequence[Passkey]:
        held = self.session.contents.passkeys.values()
        return sorted(
            (each for each in held if each.principal == principal), key=attrgetter("created_ms", "id")
        )

    def used_passkey(self, passkey: str, counter: int, at_ms: int) -> None:
        with self.session.changing():
            held = self.session.contents.passkeys
            held[passkey] = replace(held[passkey], counter=counter, used_ms=at_ms)

    def remove_passkey(self, passkey: str) -> None:
        with self.session.changing():
            found = self.session.contents.passkeys.pop(passkey, None)
            if found is not None:
                self._keep(lambda each: (each.principal, each.how) != (found.principal, "passkey"))
                self._end_invitations(found.principal)

    def begin(self, digest: bytes, session: PageSession, most: int) -> None:
        with self.session.changing():
            self._keep(lambda each: each.until_ms > session.created_ms)
            self.session.contents.sessions[digest] = session
            held = self.session.contents.sessions.values()
            own = sorted((each.created_ms, each.id) for each in held if each.principal == session.principal)
            over = {name for _, name in own[:-most]}
            self._keep(lambda each: each.id not in over)

    def signed_in(self, digest: bytes, now_ms: int) -> PageSession | None:
        found = self.session.contents.sessions.get(digest)
        return found if found is not None and found.until_ms > now_ms else None

    def sessions(self, principal: str, now_ms: int) -> Sequence[PageSession]:
        held = self.session.contents.sessions.values()
        own = (each for each in held if each.principal == principal and each.until_ms > now_ms)
        return sorted(own, key=attrgetter("created_ms", "id"))

    def saw(self, session: str, at_ms: int, until_ms: int) -> None:
        with self.session.changing():
            held = self.session.contents.sessions
            found = next((digest for digest, each in held.items() if each.id == session), None)
            if found is not None:
                held[found] = replace(held[found], seen_ms=at_ms, until_ms=until_ms)

    def end(self, session: str) -> None:
        with self.session.changing():
            self._keep(lambda each: each.id != session)

    def end_invitations(self, principal: str) -> None:
        with self.session.changing():
            self._end_invitations(principal)

    def _end_invitations(self, principal: str) -> None:
        held = self.session.contents
        held.invitations = {
            digest: (who, until_ms, by)
            for digest, (who, until_ms, by) in held.invitations.items()
            if principal not in {who, by}
        }

    def end_sessions(self, principal: str) -> None:
        with self.session.changing():
            self._keep(lambda each: each.principal != principal)
            self._end_invitations(principal)

    def shut_out(self, principal: str) -> None:
        self.end_sessions(principal)
        with self.session.changing():
            held = self.session.contents
            held.passkeys = {
                name: each for name, each in held.passkeys.items() if each.principal != principal
            }

    def _keep(self, is_kept: Callable[[PageSession], bool]) -> None:
        held = self.session.contents
        held.sessions = {digest: each for digest, each in held.sessions.items() if is_kept(each)}


class MemoryFeedRegister:
    """`ports.FeedRegister`: what its feed leaves for the next start, and what the ledger's writer reads."""

    def __init__(self) -> None:
        self.term: FeedTerm | None = None
        self.runs: dict[tuple[str, str], Run] = {}
        self.parts: dict[str, Sequence[Allotment]] = {}
        self.budget_of: dict[tuple[str, int, str], Budget] = {}
        self.commits = 0
        self.committing: Callable[[], None] = lambda: None
        """Called before a commit; it may take its time, or fail."""

    def load(self) -> FeedRecord:
        return FeedRecord(self.term, list(self.runs.values()))

    def allotments(self) -> Sequence[Allotment]:
        return [each for allotments in self.parts.values() for each in allotments]

    def budgets(self) -> Sequence[Budget]:
        return list(self.budget_of.values())

    def commit(
        self,
        term: FeedTerm,
        runs: Sequence[Run],
        gone: Sequence[Run],
        parts: Mapping[str, Sequence[Allotment]] = NO_PARTS,
        budgets: Sequence[Budget] = (),
    ) -> None:
        self.committing()
        self.commits += 1
        self.term = term
        self.runs |= {run.name: run for run in runs}
        for run in gone:
            self.runs.pop(run.name, None)
        self.parts |= parts
        for each in budgets:
            self.budget_of[each[:3]] = each
            if not each.most:
                del self.budget_of[each[:3]]


class MemoryFeeds:
    """`ports.Feeds` over the registers of some feeds."""

    def __init__(self, *registers: MemoryFeedRegister) -> None:
        self.registers = [*registers]

    def records(self) -> Sequence[FeedRecord]:
        return [register.load() for register in self.registers]

    def terms(self, but: str) -> Mapping[str, FeedTerm | None]:
        terms = [register.term for register in self.registers]
        return {term.feed: term for term in terms if term is not None and term.feed != but}


class MemoryOutbox:
    """`ports.Outbox`."""

    def __init__(self, session: MemorySession) -> None:
        self.session = session

    def subscriptions(self, principal: str) -> Sequence[Subscription]:
        return [each for each in self.session.contents.subscriptions.values() if each.principal == principal]

    def subscribers(self, applicants: Collection[str]) -> Sequence[tuple[Subscription, Principal]]:
        held = self.session.contents
        known = {
            principal.id: principal
            for digest, principal in held.principals.items()
            if not digest.startswith(b"ended")
            and (principal.role in {DEVELOPER, AGENCY} or principal.acts_for in applicants)
        }
        return [
            (each, known[each.principal])
            for each in held.subscriptions.values()
            if not each.gone and each.kind != UNCONFIRMED and each.principal in known
        ]

    def add_subscription(self, subscription: Subscription) -> None:
        with self.session.changing():
            self.session.contents.subscriptions[subscription.id] = subscription

    def unconfirmed(self, since_ms: int) -> Sequence[Subscription]:
        with self.session.changing():
            known = self.session.contents.subscriptions.values()
            asked = [each for each in known if each.kind == UNCONFIRMED]
            for each in asked:
                if each.created_at_ms < since_ms:
                    self.remove_subscription(each.id)
            return [each for each in asked if each.created_at_ms >= since_ms]

    def confirm_subscription(self, subscription: str) -> None:
        with self.session.changing():
            held = self.session.contents.subscriptions
            held[subscription] = replace(held[subscription], kind=EMAIL)

    def remove_subscription(self, subscription: str) -> None:
        with self.session.changing():
            held = self.session.contents
            held.subscriptions.pop(subscription, None)
            for letters in (held.waiting, held.dead):
                theirs = [name for name, (_, each) in letters.items() if each.subscription == subscription]
                for message in theirs:
                    del letters[message]

    def end_subscription(self, subscription: str, error: str) -> None:
        with self.session.changing():
            held = self.session.contents
            if subscription in held.subscriptions:
                held.subscriptions[subscription] = replace(held.subscriptions[subscription], gone=True)
            for message, (place, letter) in list(held.waiting.items()):
                if letter.subscription == subscription:
                    del held.waiting[message]
                    held.dead[message] = place, replace(letter, error=error)

    def post(self, letters: Sequence[Letter]) -> None:
        with self.session.changing():
            held = self.session.contents
            for letter in letters:
                held.posted += 1
                if letter.message not in held.waiting.keys() | held.dead.keys():
                    held.waiting[letter.message] = held.posted, letter

    def due(self, now_ms: int, busy: Collection[str], limit: int) -> Sequence[tuple[Subscription, Letter]]:
        first: dict[str, Letter] = {}
        for letter in sorted(self._heads(busy), key=lambda letter: letter.due_ms):
            if letter.due_ms <= now_ms:
                first.setdefault(letter.subscription, letter)
        known = self.session.contents.subscriptions
        return [(known[name], letter) for name, letter in first.items()][:limit]

    def next_due_ms(self, busy: Collection[str]) -> int | None:
        return min((letter.due_ms for letter in self._heads(busy)), default=None)

    def delivered(self, message: str) -> None:
        with self.session.changing():
            self.session.contents.waiting.pop(message, None)

    def put_off(self, message: str, due_ms: int, error: str) -> None:
        with self.session.changing():
            for place, letter in self._taken(message):
                later = replace(letter, due_ms=due_ms, attempts=letter.attempts + 1, error=error)
                self.session.contents.waiting[message] = place, later

    def bury(self, message: str, error: str) -> None:
        with self.session.changing():
            for place, letter in self._taken(message):
                failed = replace(letter, attempts=letter.attempts + 1, error=error)
                self.session.contents.dead[message] = place, failed

    def dead(self, principal: str, limit: int) -> Sequence[tuple[Subscription, Letter]]:
        held = self.session.contents
        letters = [letter for _, letter in sorted(held.dead.values(), key=lambda found: found[0])]
        found = [(held.subscriptions[letter.subscription], letter) for letter in letters]
        return [(whose, letter) for whose, letter in found if whose.principal == principal][:limit]

    def replay(self, principal: str, message: str | None, due_ms: int) -> int:
        with self.session.changing():
            held, back = self.session.contents, list[str]()
            for name, (place, letter) in list(held.dead.items()):
                whose = held.subscriptions[letter.subscription]
                if whose.principal == principal and message in (None, name):
                    del held.dead[name]
                    held.waiting[name] = place, replace(letter, due_ms=due_ms, attempts=0)
                    held.subscriptions[whose.id] = replace(whose, gone=False)
                    back.append(name)
            return len(back)

    def counts(self) -> Mapping[str, int]:
        held = self.session.contents
        return {"waiting": len(held.waiting), "dead": len(held.dead)}

    def _taken(self, message: str) -> list[tuple[int, Letter]]:
        """A waiting letter, taken out, if it is still there."""
        found = self.session.contents.waiting.pop(message, None)
        return [] if found is None else [found]

    def _heads(self, busy: Collection[str]) -> list[Letter]:
        heads: dict[tuple[str, str], Letter] = {}
        for _, letter in sorted(self.session.contents.waiting.values(), key=lambda found: found[0]):
            if letter.subscription not in busy:
                heads.setdefault((letter.subscription, letter.case), letter)
        return list(heads.values())


class MemoryPreparations:
    """`ports.Preparations`."""

    def __init__(self, session: MemorySession) -> None:
        self.session = session

    def get(self, id_: str) -> PreparedStatement | None:
        return self.session.contents.preparations.get(id_)

    def all(self) -> Sequence[PreparedStatement]:
        return sorted(self.session.contents.preparations.values(), key=attrgetter("at_ms", "id"))

    def of_set(self, id_: str) -> Sequence[PreparedStatement]:
        held = self.session.contents.preparations.values()
        return sorted((each for each in held if each.set_name == set_name(id_)), key=attrgetter("id"))

    def put(self, made: PreparedStatement, *others: PreparedStatement) -> None:
        with self.session.changing():
            held = self.session.contents.preparations
            old = {key for key, each in held.items() if each.at_ms <= made.at_ms - KEPT_MS}
            for each in (made, *others):
                held.setdefault(each.id, each)
            sets = {each.set_name: each.at_ms for each in held.values() if each.by == made.by}
            sets.pop(made.set_name, None)
            gone = sorted(sets, key=lambda name: (-sets[name], name))[PREPARED_MAX - 1 :]
            for key in old | {each.id for each in held.values() if each.set_name in gone}:
                del held[key]

    def sign(self, id_: str, signature: Signature) -> PreparedStatement | None:
        with self.session.changing():
            held = self.session.contents.preparations
            found = held.get(id_)
            if found is None or signature.keyid in {each.keyid for each in found.signatures}:
                return None
            held[id_] = replace(found, signatures=(*found.signatures, signature))
            return held[id_]

    def forget(self, id_: str) -> None:
        with self.session.changing():
            for each in self.of_set(id_):
                del self.session.contents.preparations[each.id]


class MemoryPorts:
    """`ports.Ports` over one session."""

    def __init__(self, session: MemorySession) -> None:
        self.log = MemoryLog(session)
        self.outbox = MemoryOutbox(session)
        self.principals = MemoryPrincipals(session)
        self.feed_keys = MemoryFeedKeys(session)
        self.key_uses = MemoryKeyUses(session)
        self.sign_ins = MemorySignIns(session)
        self.preparations = MemoryPreparations(session)


class MemoryStore(MemoryPorts):
    """`ports.Store` without a disk. It passes the contract that every store passes."""

    def __init__(self, contents: Contents | None = None) -> None:
        self._lock = threading.Lock()
        self.session = MemorySession(contents or Contents(), lambda: self._lock)
        super().__init__(self.session)

    @property
    def contents(self) -> Contents:
        return self.session.contents

    @contents.setter
    def contents(self, contents: Contents) -> None:
        self.session.contents = contents

    @contextmanager
    def write(self) -> Iterator[MemoryPorts]:
        """A write changes a copy, which becomes the contents when it ends well."""
        with self._lock:
            writing = MemorySession(self.contents.copy())
            yield MemoryPorts(writing)
            self.contents = writing.contents

    def close(self) -> None:
        """Nothing is held."""


class Broken(StoreUnavailable):
    """What a broken write raises."""

    def __init__(self) -> None:
        super().__init__("the disk is full")


class Breaking(MemoryStore):
    """A store whose next write breaks: before it is done, or after it was done."""

    def __init__(self) -> None:
        super().__init__()
        self.breaks: str | None = None
        """`before`, `after` or None: what becomes of the next write."""

    @contextmanager
    def write(self) -> Iterator[MemoryPorts]:
        breaks, self.breaks = self.breaks, None
        with super().write() as ports:
            yield ports
            if breaks == "before":
                raise Broken
        if breaks == "after":
            raise Broken
