"""Themes about applications: positions, replies, appeals, screening, and what is noted beside them."""

from __future__ import annotations

from sluicegate.core.lifecycle.applications import (
    Answer,
    Nominate,
    Reply,
    Return,
    SubmitApplication,
    Withdraw,
)
from sluicegate.core.lifecycle.record import UseList
from tests.vectors.history import History, describes, dossier
from tests.vectors.themes.plans import GENERAL, LOGS, MAIN, PARTNERS, QUIET
from tests.worlds import API, CODEX, proceeding, receipt, screened


def _applications(h: History) -> None:
    h.must(Nominate(MAIN, PARTNERS, "org-1", {"name": "Example org-1"}))
    h.must(Nominate(MAIN, PARTNERS, "org-1", {"name": "Example org-1"}))
    h.no("stage_unknown", Nominate(MAIN, "nowhere", "org-1", {}))
    case = h.applies("org-1", MAIN, PARTNERS, described=describes("org-1", "US", "government"))
    h.must(receipt(h.state.cases[case], "oncd"))
    h.must(receipt(h.state.cases[case], "oncd"))
    h.says(case, "oncd approve")
    h.asks_for(case, "ostp", requestsPerMinute=60, logs=LOGS)
    h.ends(case, "approved-with-conditions")
    h.ids["org-1"] = h.granted(case)
    h.no("already_granted", SubmitApplication(MAIN, PARTNERS, API, "org-1", dossier()))
    h.no("surface_unknown", SubmitApplication(MAIN, PARTNERS, "ipa", "org-1", dossier()))
    h.ids["org-1 codex"] = h.admits("org-1", MAIN, PARTNERS, surface=CODEX)


def _schedules(h: History) -> None:
    cases = [h.applies(f"org-{number}", MAIN, PARTNERS, described=describes(f"org-{number}", country))
             for number, country in ((2, "GB"), (3, "KP"))]  # fmt: skip
    h.schedules("oncd", "approve", *cases)
    h.schedules("ostp", "no-objection", *cases)
    h.ids |= {"org-2": h.granted(cases[0]), "org-3": h.granted(cases[1])}


def _replies(h: History) -> None:
    """Denials that are replied to: one is approved then, one denied again and appealed."""
    case = h.applies("org-4", MAIN, PARTNERS)
    h.seals(case, "oncd", "object", "what the public need not know")
    h.ends(case, "denied", "objection")
    h.must(Reply(case, "but"))
    h.no("already_applied", SubmitApplication(MAIN, PARTNERS, API, "org-4", dossier()))
    h.says(case, "oncd approve", "ostp approve")
    h.ends(case, "approved")
    h.ids["org-4"] = h.granted(case)
    case = h.applies("org-5", MAIN, PARTNERS)
    h.says(case, "ostp object")
    h.must(Reply(case, "but"))
    h.later(10)
    h.ends(case, "denied", "objection")
    h.no("replied_already", Reply(case, "but again"))
    appeal = h.must(h.appeal(case, "it is wrong"))["case"]
    h.asks_for(appeal, "caisi", requestsPerMinute=7)
    h.ends(appeal, "approved-with-conditions")
    h.ids["org-5"] = h.granted(appeal)


def _ended_early(h: History) -> None:
    """Applications that end before anybody decides on their merits."""
    case = h.applies("org-6", MAIN, PARTNERS)
    h.must(Return(case, "a form is missing"), by="officer")
    h.ends(case, "returned", "deficient")
    case = h.applies("org-6", MAIN, PARTNERS)
    h.must(Withdraw(case), by="user of org-6")
    h.ends(case, "withdrawn")
    h.no("case_determined", Withdraw(case))
    case = h.applies("org-6", MAIN, PARTNERS)
    h.says(case, "oncd recuse", "ostp recuse")
    h.ends(case, "returned", "recused")


def _recusal_and_questions(h: History) -> None:
    case = h.applies("org-7", MAIN, PARTNERS)
    h.says(case, "oncd ask")
    h.says(case, "ostp ask")
    h.no("nothing_asked", Answer(case, "", "which?"))
    h.must(Answer(case, "oncd", "so it is"), by="user of org-7")
    h.says(case, "oncd recuse")
    h.must(Answer(case, "", "so it is here too"), by="user of org-7")
    h.says(case, "ostp abstain")
    h.says(case, "ostp approve")
    h.ends(case, "approved")
    h.ids["org-7"] = h.granted(case)


def _contradictions(h: History) -> None:
    """Conditions that contradict each other: settled by the agencies, or by officers who proceed."""
    case = h.applies("org-8", MAIN, PARTNERS)
    h.asks_for(case, "oncd", logs=LOGS, validFor="P30D")
    h.asks_for(case, "ostp", logs={**LOGS, "value": 90})
    h.asks_for(case, "ostp", logs=LOGS)
    h.ends(case, "approved-with-conditions")
    h.ids["org-8"] = h.granted(case)
    case = h.applies("org-9", MAIN, PARTNERS)
    h.asks_for(case, "oncd", training={"value": "some", "declared": True})
    h.says(case, "ostp approve")
    h.must(proceeding(h.state.cases[case]), by="officer")
    h.ends(case, "approved-with-conditions")
    h.ids["org-9"] = h.granted(case)


def _proceedings(h: History) -> None:
    case = h.applies("org-10", MAIN, PARTNERS)
    h.must(proceeding(h.state.cases[case]), by="officer")
    h.ids["org-10"] = h.granted(case)
    case = h.applies("org-11", MAIN, PARTNERS)
    h.says(case, "oncd approve", "ostp object")
    h.ends(case, "denied", "objection")
    h.must(proceeding(h.state.cases[case], reason="all the same"), by="officer")
    h.ends(case, "approved")
    h.ids["org-11"] = h.granted(case)


def _appeals(h: History) -> None:
    """An appeal that is allowed ends a newer application, and gives nothing to who has been granted since."""
    denied = h.applies("org-14", MAIN, PARTNERS)
    h.says(denied, "oncd object")
    appeal = h.must(h.appeal(denied, "it is wrong"))["case"]
    newer = h.applies("org-14", MAIN, PARTNERS)
    h.says(appeal, "caisi approve")
    h.ends(newer, "superseded", "appeal_allowed")
    denied = h.applies("org-15", MAIN, PARTNERS)
    h.says(denied, "oncd object")
    appeal = h.must(h.appeal(denied, "it is wrong"))["case"]
    h.ids["org-15"] = h.admits("org-15", MAIN, PARTNERS)
    h.says(appeal, "caisi approve")
    h.last("case.determined")
    denied = h.applies("org-16", MAIN, PARTNERS)
    h.says(denied, "oncd object")
    appeal = h.must(h.appeal(denied, "it is wrong"))["case"]
    h.says(appeal, "caisi object")
    h.ends(appeal, "denied", "objection")
    h.no("not_in_this_kind", h.appeal(appeal, "again"))


def _screening(h: History) -> None:
    """A stage with criteria and a list: records are made, opened again, and made anew."""
    h.no("not_eligible", SubmitApplication(MAIN, GENERAL, API, "org-12", dossier(registeredIn="KP")))
    h.no(
        "not_eligible",
        SubmitApplication(MAIN, GENERAL, API, "org-12", dossier(owners=[], onwardAccess="resale")),
    )
    h.must(UseList("the list", "1"), by="officer")
    cases = [h.applies(f"org-{number}", MAIN, GENERAL, owners=[]) for number in (12, 13)]
    for case in cases:
        h.must(screened(h.state.cases[case], "match", seen=["A. Sanctioned"]), by="officer")
        h.says(case, "oncd approve")
    h.no("not_voluntary", proceeding(h.state.cases[cases[0]]))
    h.must(screened(h.state.cases[cases[0]]), by="officer")
    h.ends(cases[0], "approved")
    h.must(UseList("the list", "2"), by="officer")
    h.no("list_changed", screened(h.state.cases[cases[1]]))
    h.must(screened(h.state.cases[cases[1]], version="2"), by="officer")
    h.must(UseList("another list", "2026-07"), by="officer")
    h.ids |= {"org-12": h.granted(cases[0]), "org-13": h.granted(cases[1])}


def _notes(h: History) -> None:
    h.notes("oncd", "request", "please wait a week", release=MAIN, stage=PARTNERS)
    h.notes("openai", "call", "we agreed to talk", release=MAIN, stage=PARTNERS)
    h.notes("openai", "meeting", "we met", case=h.newest("case.opened")["case"])
    h.notes("ostp", "dissent", "we would not have", case=h.newest("case.proceeded")["case"])
    h.notes("caisi", "statement", "we take note", release=QUIET, stage="first")
    h.notes("ostp", "reasons", "more in writing", case=h.newest("case.proceeded")["case"])
    h.notes("ostp", "reasons", "more in writing", case=h.newest("case.proceeded")["case"])


APPLICATIONS = (
    _applications,
    _schedules,
    _replies,
    _ended_early,
    _recusal_and_questions,
    _contradictions,
    _proceedings,
    _appeals,
    _screening,
    _notes,
)
