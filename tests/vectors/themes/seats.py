"""Themes about seats: the waitlist, offers, removals, and appeals that find no seat."""

from __future__ import annotations

from sluicegate.core.lifecycle.applications import Accept, Reply, Withdraw
from sluicegate.core.lifecycle.grants import OpenRemoval, SurrenderGrant
from sluicegate.core.lifecycle.positions import RecordPosition
from tests.vectors.history import History
from tests.vectors.themes.plans import SEATS, seats_plan
from tests.worlds import API, CODEX, position, proceeding


def _seats_release(h: History) -> None:
    h.apply(seats_plan())
    h.agree_to(SEATS)
    h.opens(SEATS, "seated")
    h.ids |= {f"seat-{number}": h.admits(f"seat-{number}", SEATS, "seated") for number in (1, 2)}


def _waitlist(h: History) -> None:
    a, a_codex, b, c, d, e = (
        h.waits(organization, surface)
        for organization, surface in (
            ("a", API),
            ("a", CODEX),
            ("b", API),
            ("c", API),
            ("d", API),
            ("e", API),
        )
    )
    h.no("no_seat", proceeding(h.state.cases[h.applies("f", SEATS, "seated")]))
    h.must(SurrenderGrant(h.ids["seat-1"]), by="user of seat-1")
    h.must(SurrenderGrant(h.ids["seat-1"]), by="user of seat-1")
    h.newest("case.offered", case=a)
    h.newest("case.offered", case=a_codex)
    h.must(Accept(a_codex), by="user of a")
    h.ids["a codex"] = h.granted(a_codex)
    h.later(2)
    h.ends(a, "lapsed", "offer_not_taken")
    h.says(c, "oncd abstain")
    h.last("case.resumed")
    h.says(c, "oncd approve")
    h.must(Withdraw(d), by="user of d")
    h.must(SurrenderGrant(h.ids["a codex"]))
    h.newest("case.offered", case=b)
    h.says(b, "oncd object")
    h.ends(b, "denied", "objection")
    h.newest("case.offered", case=e)
    h.must(Accept(e), by="user of e")
    h.ids |= {"b": b, "c": c, "e": h.granted(e)}


def _appeals_and_seats(h: History) -> None:
    """An appeal that finds every seat taken waits; one fewer seat is tighter, and no holder loses one."""
    appeal = h.must(h.appeal(h.ids["b"], "it is wrong"))["case"]
    h.says(appeal, "caisi approve")
    h.last("case.waitlisted")
    h.no("decided_on_appeal", RecordPosition(position(h.state.cases[h.ids["b"]], "ostp")))
    assert h.apply(seats_plan(seats=1))["tightened"] == ["seated"]
    h.must(SurrenderGrant(h.ids["seat-2"]))
    h.must(SurrenderGrant(h.ids["e"]))
    h.newest("case.offered", case=h.ids["c"])
    h.must(Withdraw(h.ids["c"]))
    h.must(Accept(h.ids["b"]))
    h.ids["b"] = h.granted(h.ids["b"])


def _removed(h: History, grant: str, *said: str, party: str | None = None) -> str:
    """A removal that agencies decide, and its time; the case."""
    case: str = h.must(OpenRemoval(grant, "misuse", "why", party))["case"]
    h.says(case, *(said or ("oncd approve", "ostp approve")))
    return case


def _removals(h: History) -> None:
    holder = h.ids["b"]
    first = _removed(h, holder, "oncd approve", "ostp object", party="oncd")
    h.ends(first, "denied", "objection")
    h.no("nothing_to_appeal", h.appeal(first, "no"))
    second = _removed(h, holder)
    h.must(Reply(second, "we did not"), by="user of b")
    h.later(1)
    h.ends(second, "approved")
    assert h.newest("grant.ended")["how"] == "removed"
    appeal = h.must(h.appeal(second, "it is wrong"))["case"]
    h.says(appeal, "caisi approve")
    h.last("grant.reinstated")
    again = _removed(h, holder)
    h.later(1)
    h.must(SurrenderGrant(h.admits("b", SEATS, "seated")))
    appeal = h.must(h.appeal(again, "it is wrong"))["case"]
    h.says(appeal, "caisi approve")
    h.last("grant.reinstated")
    third = _removed(h, holder)
    h.later(1)
    taken = h.admits("g", SEATS, "seated")
    appeal = h.must(h.appeal(third, "it is wrong"))["case"]
    h.says(appeal, "caisi approve")
    h.last("case.waitlisted")
    open_removal = h.must(OpenRemoval(taken, "security", "why", "ostp"))["case"]
    h.must(SurrenderGrant(taken))
    h.ends(open_removal, "superseded", "grant_surrendered")
    offered = h.newest("case.offered")["case"]
    h.must(Accept(offered))
    h.ids["b again"] = h.granted(offered)


def _seats_changed(h: History) -> None:
    """An offer that is taken back, and more seats: the cases that waited, or had an offer, end."""
    first, second = h.waits("i"), h.waits("j")
    h.must(SurrenderGrant(h.ids["b again"]))
    h.says(first, "oncd abstain")
    h.last("case.offered")
    h.newest("case.resumed", case=first)
    h.says(first, "oncd approve")
    assert {first, second} < set(h.apply(seats_plan(seats=3))["superseded"])
    h.agree_to(SEATS)
    h.opens(SEATS, "seated")
    h.ids["l"] = h.admits("l", SEATS, "seated")
    h.apply(seats_plan(seats=1))


SEATED = (_seats_release, _waitlist, _appeals_and_seats, _removals, _seats_changed)
