"""How much each party may have written to the ledger in a day: counted in the store, freed by time.

Rules:
- Only what was done counts: the count is in the transaction of the command. So it survives a restart.
- What was used is free again a day later, little by little: for each limit there is one number, the time at
  which all of it is free, by the limit of that time. Under another limit the same amount is used. A clock
  that goes back keeps no one waiting for more than a day.
- What is asked in a way that is counted alone, such as a link for oneself, is counted for who asks alone.
- Acts about a grant are counted for the token's holder and for the organization of that legal name, by
  whatever token. An application counts only for its applicant: anyone can write any name into one.
- What a person corrects is counted for the person, and for all members of the organization together. It never
  takes from what those who look after the members may do.
- What ends something is not refused.
- Directives have bytes of their own, many more than an order takes; fewer on a disk that is nearly full. The
  only order of a day always fits, however long. Two officers can transcribe what is beyond that.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil
from typing import Any, NamedTuple

from sluicegate.acts.act import AGENCY, APPLICANT, PERSON, AnyAct, Arguments
from sluicegate.acts.growth import Bound
from sluicegate.core.lifecycle import Refusal, State
from sluicegate.ports import Principal, Principals, Spent
from sluicegate.rate import Rate
from sluicegate.settings import DailyLimits
from sluicegate_record.log import times
from sluicegate_record.log.times import DAY_MS

BYTES, OF_MEMBERS = "bytes", "corrections_of_members"
DIRECTIVES, DIRECTIVE_BYTES = "directives", "directive_bytes"
_WORDS = {"repeats": "acts that change nothing", DIRECTIVE_BYTES: "bytes of directives"}


class Count(NamedTuple):
    """What is counted for which party, and how much of it a day allows."""

    party: str
    counted: str
    limit: int

    @property
    def rate(self) -> Rate:
        """How often it may happen."""
        return Rate(DAY_MS / self.limit, DAY_MS)

    def until_ms(self, amount: int, was: Spent, now_ms: int) -> int:
        """When everything is free again, with this much more used."""
        left_ms = min(max(0, was.until_ms - now_ms), DAY_MS) * was.limit / self.limit
        return ceil(self.rate.over_ms(now_ms + left_ms, now_ms, amount))

    def refusal(self, amount: int, until_ms: int, now_ms: int) -> Refusal | None:
        """Why so much more may not be used now, if everything would be free again at `until_ms`."""
        over_ms = ceil(self.rate.wait_ms(until_ms, now_ms))
        if not over_ms:
            return None
        used = min(self.limit, max(0, -(-(until_ms - now_ms) * self.limit // DAY_MS) - amount))
        words = _WORDS.get(self.counted, self.counted.replace("_", " "))
        said = f"{self.limit:,} {words} are allowed in a day, "
        said += (
            "and all are used" if used == self.limit else f"{used:,} are used, and this asks for {amount:,}"
        )
        if amount > self.limit:
            return Refusal("exhausted", f"too_many_{self.counted}", said, "send less in one command")
        remedy = f"again at {times.format_time(now_ms + over_ms)}"
        if self.counted in {DIRECTIVES, DIRECTIVE_BYTES}:
            remedy += "; two officers can transcribe it now"
        return Refusal("exhausted", f"too_many_{self.counted}", said, remedy, -(-over_ms // 1_000))


@dataclass(frozen=True, slots=True)
class Charge:
    """What a command is counted to. `amount` is how many of the counted things it asks for."""

    parties: tuple[str, ...]
    bound: Bound
    amount: int
    limits: DailyLimits
    ends: bool = False

    def take(
        self,
        spent: Principals,
        now_ms: int,
        written: int,
        *,
        changes: bool,
        share_bytes: int | None = None,
    ) -> Refusal | None:
        """Count a command that writes so many bytes; or why it may not be done.

        `share_bytes` is how much of the reserve of the disk a party may use, where that is needed.
        Requires: a transaction, which is rolled back after a refusal.
        """
        for party in self.parties:
            known = {name: each for name, each in spent.spent(party).items() if each.until_ms > now_ms}
            for count, amount in self._counts(party, written, share_bytes, changes=changes):
                was = known.get(count.counted, Spent(0, count.limit))
                until_ms = count.until_ms(amount, was, now_ms)
                refusal = count.refusal(amount, until_ms, now_ms)
                is_only_order = count.counted == DIRECTIVE_BYTES and count.counted not in known
                if refusal is not None and not (self.ends and changes) and not is_only_order:
                    return refusal
                known[count.counted] = Spent(min(until_ms, now_ms + DAY_MS), count.limit)
            spent.spend(party, known)
        return None

    def _counts(
        self, party: str, written: int, share_bytes: int | None, *, changes: bool
    ) -> Iterator[tuple[Count, int]]:
        name = self.bound.counted
        if party.startswith(_MEMBERS):
            name = OF_MEMBERS
        if not (self.ends and changes):
            yield Count(party, name, getattr(self.limits, name)), self.amount
        if name == DIRECTIVES:
            most = self.limits.directive_bytes
            yield (
                Count(party, DIRECTIVE_BYTES, most if share_bytes is None else min(most, share_bytes)),
                written,
            )
        elif name not in {"corrections", OF_MEMBERS}:
            yield Count(party, BYTES, self.limits.bytes), written


_MEMBERS = "members of "


def charge(
    state: State, principal: Principal, act: AnyAct, asked: Arguments, limits: DailyLimits
) -> Charge | None:
    """What an act is counted to, if a principal does it; None if it is not counted."""
    bound = act.bound
    if bound is None or not bound.counted or principal.role not in {APPLICANT, AGENCY, PERSON}:
        return None
    rows = getattr(asked, "rows", None) if bound.counted == "members" else None
    amount = 1 if rows is None else max(1, len(rows))
    return Charge(tuple(_parties(state, principal, asked)), bound, amount, limits, ends=act.ends)


def charge_of_provider(state: State, provider: str, bound: Bound, limits: DailyLimits) -> Charge | None:
    """What is counted for the organization of an identity provider, not for who acts."""
    known = state.registry.providers.get(provider)
    return None if known is None else Charge((_named(state, known.organization),), bound, 1, limits)


def _parties(state: State, principal: Principal, asked: Arguments) -> Iterator[str]:
    if asked.counted_alone:
        yield f"{principal.id} alone"
    elif principal.role == AGENCY:
        yield f"agency {principal.party}"
    elif principal.role == PERSON:
        yield f"person {principal.name}"
        person = state.table.people.get(principal.name)
        if person is not None:
            yield f"{_MEMBERS}{_named(state, person.organization)}"
    else:
        yield principal.acts_for
        organization = _organization(state, asked)
        if organization is not None:
            yield _named(state, organization)


def _organization(state: State, asked: Any) -> str | None:
    """The organization that an act with these arguments is about, if it holds a grant."""
    person = state.table.people.get(getattr(asked, "member", None) or "")
    provider = state.registry.providers.get(getattr(asked, "provider", None) or "")
    if person is not None:
        return person.organization
    if provider is not None:
        return provider.organization
    name = getattr(asked, "grant", None) or state.grant_of(getattr(asked, "credential", None) or "")
    grant = state.table.known_row(name or "")
    return grant.organization if grant is not None else None


def _named(state: State, organization: str) -> str:
    """An organization by its legal name's tag, so that all who act for it are counted together."""
    known = state.table.organizations.get(organization)
    return f"organization {known.name if known is not None else organization}"
