"""Themes about directives: over everyone and over some, changed, transcribed, lifted; drills and points."""

from __future__ import annotations

from typing import Any

from sluicegate.core.directives.cover import Resolution
from sluicegate.core.lifecycle.directives import LIFTED, AddDefinition, OpenLift
from sluicegate.core.lifecycle.drills import EndDrill, ReportDrill
from sluicegate.core.people import persons
from sluicegate_record.directives.scope import Scope
from sluicegate_record.log import canonical, dsse
from sluicegate_record.statements.directives import DrillReport
from tests.vectors.history import HOUR, History, committed, describes, sealed, tag
from tests.vectors.themes.plans import MAIN, MINI, OLDER, PARTNERS, QUIET
from tests.worlds import API, CODEX, DEVELOPER, LOG, OFFICER, set_point, signed, state_point, stated

BOTH = {"allOf": ["oncd", "ostp"]}
UNKNOWN = "org-unknown"
"""An organization that a directive names by its legal name before the log knows it."""


def _points(h: History) -> None:
    h.must(set_point("cloud", API), by="officer")
    h.must(set_point("cloud", API), by="officer")
    h.must(set_point("store", CODEX), by="officer")
    h.no("name_taken", set_point("cloud", CODEX))
    h.must(set_point("store", CODEX, "retired"), by="officer")


def _everyone(h: History) -> None:
    """An order over everyone: in force everywhere, lifted at the second attempt."""
    h.must(h.order("everyone", models=[MAIN, MINI], drain="PT10M"))
    h.no("name_taken", h.order("everyone"))
    h.now_ms += 60_000
    h.no("not_begun", h.in_force("everyone", []))
    h.now_ms += 600_000
    rows = h.acknowledged(*(f"gateway-{number}" for number in range(110)))
    gone = h.unsigned("gateway-gone", state="counted_out", at=None, size=0)
    rows += [h.unsigned("gateway-old"), gone]
    h.no("not_everywhere", h.in_force("everyone", rows))
    said = stated(h.state, name="everyone", at_ms=h.now_ms)
    h.must(state_point(said), by="cloud")
    h.must(state_point(said), by="cloud")
    size = h.state.size
    h.must(h.in_force("everyone", rows), by="fleet")
    assert len(h.types(size)) > 1
    h.must(h.in_force("everyone", []), by="fleet")
    h.notes("oncd", "reasons", "as we said", directive="everyone")
    first = h.lifting("everyone")
    assert h.lifting("everyone") == first
    h.says(first, "oncd object")
    h.ends(first, "denied", "objection")
    h.says(h.lifting("everyone"), "oncd approve")
    h.last("directive.lifted")
    h.now_ms += 60_000
    restored = stated(h.state, name="everyone", at_ms=h.now_ms, says="restored")
    h.must(state_point(restored), by="cloud")
    h.no("directive_lifted", OpenLift("everyone"))


def _drill(h: History) -> None:
    changes: dict[str, Any] = {
        "issuer": DEVELOPER,
        "liftedBy": {"allOf": [DEVELOPER]},
        "covers": {"registeredIn": ["GB"]},
    }
    h.must(h.order("drill", OFFICER, metadata={"drill": True}, **changes))
    said = stated(h.state, name="drill", at_ms=h.now_ms)
    h.must(state_point(said))
    h.now_ms += 1_000
    h.must(h.in_force("drill", h.acknowledged("gateway-1", "gateway-2")))
    report = {"log": LOG, "drill": "drill", "timeToZeroMs": 1_000, "gateways": []}
    bound = {"drill": canonical.digest(report).removeprefix("sha256:")}
    envelope = signed(dsse.statement(bound, DrillReport.TYPE, report), "log")
    h.no("drill_running", ReportDrill("drill", envelope))
    h.must(EndDrill("drill"), by="officer")
    h.must(EndDrill("drill"), by="officer")
    h.must(ReportDrill("drill", envelope), by="fleet")
    h.must(ReportDrill("drill", envelope), by="fleet")
    h.must(h.order("drill-2", metadata={"drill": True}, issuer="ostp", liftedBy={"allOf": ["ostp"]}))


def _organizations(h: History) -> None:
    """Organizations by name: some that the log knows, one that it comes to know; one is let out again."""
    names = ["Example org-1", "Example org-4", "Example Grid", f"Example {UNKNOWN}"]
    covers = {"organizations": committed(names, "covers.organizations"), "registeredIn": ["KP"]}
    named = {"covers": Resolution(["org-1", "org-4"], [tag("Example Grid"), tag(f"Example {UNKNOWN}")])}
    opened = {"covers.organizations": sealed(names), "reasons": sealed("what is sealed")}
    command = h.order(
        "named",
        covers=covers,
        opened=opened,
        named=named,
        described=[describes("org-4", "FR")],
        basis={"kind": "agreed", "authority": "an agreement"},
        reasons={
            "form": "sealed",
            "summary": "grids",
            "commitment": opened["reasons"].commitment("sealed", "reasons"),
        },
    )
    h.must(command)
    case = h.applies(UNKNOWN, MAIN, PARTNERS, described=describes(UNKNOWN))
    h.says(case, "oncd approve", "ostp approve")
    h.issues(h.granted(case), "key of unknown")
    out = ["Example org-1"]
    part = h.lifting("named", sealed(out), Resolution(["org-1"]), organizations=committed(out, LIFTED))
    h.no("scope_unproven", OpenLift("named", Scope.from_json({"organizations": committed(out, LIFTED)})))
    h.says(part, "oncd approve")
    h.says(h.lifting("named"), "oncd approve")


def _status(h: History) -> None:
    """Persons by status: words that every build knows, words put on the record, and exceptions."""
    h.must(AddDefinition("alien", frozenset({"other"}), "8 U.S.C. 1101(a)(3)"))
    h.must(AddDefinition("alien", frozenset({"other"}), "8 U.S.C. 1101(a)(3)"))
    h.no("name_taken", AddDefinition("us-person", frozenset({"other"}), "another source"))
    foreign, us = persons.DEFINITIONS["ear-foreign-person"], persons.DEFINITIONS["us-person"]
    covers = {"definition": foreign.name, "statuses": sorted(foreign.statuses), "source": foreign.source}
    us_persons = {"definition": us.name, "statuses": sorted(us.statuses), "source": us.source}
    h.must(
        h.order(
            "foreign",
            surfaces=[API],
            covers={"persons": covers},
            spares={"persons": {**us_persons, "assurance": "identity-provider"}, "registeredIn": ["GB"]},
        )
    )
    alien = {"definition": "alien", "statuses": ["other"], "source": "8 U.S.C. 1101(a)(3)"}
    h.no("definition_differs", h.order("aliens", covers={"persons": {**alien, "source": "another"}}))
    spared = {**alien, "unknown": "spared", "assurance": "organization"}
    h.must(h.order("aliens", models=[MINI], covers={"persons": spared}))
    h.says(h.lifting("foreign"), "oncd approve")


def _members_named(h: History) -> None:
    """Members by id, covered and excepted."""
    ids = [h.ids["ada"], h.ids["cyd"]]
    covers = {"persons": committed(ids, "covers.persons")}
    h.must(
        h.order(
            "members",
            covers=covers,
            opened={"covers.persons": sealed(ids)},
            named={"covers": Resolution(persons=ids)},
        )
    )
    spared = [h.ids["ada"]]
    h.must(
        h.order(
            "but-ada",
            models=[OLDER],
            opened={"except.persons": sealed(spared)},
            named={"except": Resolution(persons=spared)},
            spares={"persons": committed(spared, "except.persons")},
        )
    )


def _annexes(h: History) -> None:
    """Two annexes of names; one of them is lifted, then the rest."""
    lists = {
        "first": {"organizations": ["Example org-2", "Example org-5"]},
        "second": {"persons": [h.ids["cyd"]]},
    }
    h.must(
        h.order(
            "annexed",
            covers={"annexes": ["first", "second"]},
            annexes={name: committed(names, f"annex.{name}") for name, names in lists.items()},
            opened={f"annex.{name}": sealed(names) for name, names in lists.items()},
            named={
                "annex.first": Resolution(["org-2", "org-5"]),
                "annex.second": Resolution(persons=[h.ids["cyd"]]),
            },
        )
    )
    h.says(h.lifting("annexed", annexes=["first"]), "oncd approve")
    part = h.lifting("annexed", annexes=["second"], surfaces=[API])
    h.says(h.lifting("annexed"), "oncd approve")
    h.ends(part, "superseded", "directive_lifted")


def _restricted(h: History) -> None:
    """Directives that let requests through on more conditions."""
    less = {"requestsPerMinute": 5}
    h.must(h.order("slow", action="restrict", conditions=less, models=[MAIN, MINI]))
    named = {"personNamed": True, "requestsPerMinute": 50}
    h.must(
        h.order(
            "named-persons",
            action="restrict",
            conditions=named,
            surfaces=[API],
            covers={"registeredIn": ["US"]},
        )
    )
    h.says(h.lifting("named-persons"), "oncd approve")


def _parts_lifted(h: History) -> None:
    """Lifted by models and surfaces until nothing is left."""
    h.must(h.order("parts", models=[MAIN, MINI], surfaces=[API, CODEX]))
    h.no("scope_unknown", OpenLift("parts", Scope(models=(QUIET,))))
    h.says(h.lifting("parts", models=[MINI]), "oncd approve")
    h.says(h.lifting("parts", models=[MAIN], surfaces=[API]), "oncd approve")
    h.says(h.lifting("parts", models=[MAIN]), "oncd approve")
    h.no("directive_lifted", OpenLift("parts"))


def _timed(h: History) -> None:
    """A directive that begins later, gives a grace, and ends by itself."""
    h.must(h.order("timed", effective=h.until(2 * HOUR), drain="PT1H", expires=h.until(2)))
    h.must(h.order("early", effective=h.until(2)))
    h.says(h.lifting("early"), "oncd approve")
    h.later(2.5 * HOUR)
    case = h.lifting("timed")
    h.later(1)
    h.later(1)
    h.ends(case, "superseded", "directive_expired")
    h.no("directive_expired", OpenLift("timed"))
    h.no("expired", h.order("late", expires=h.until(-1), effective=h.until(-2)))


def _replaced(h: History) -> None:
    """Its issuer narrows a directive alone; what is wider takes those who lift it."""
    h.must(h.order("changed", surfaces=[API], liftedBy=BOTH))
    case = h.lifting("changed")
    h.must(h.order("changed", replaces="changed", surfaces=[API, CODEX], liftedBy=BOTH))
    h.ends(case, "superseded", "directive_replaced")
    wider: dict[str, Any] = {"replaces": "changed", "surfaces": [CODEX], "liftedBy": BOTH}
    h.no("not_narrower", h.order("changed", **wider))
    h.must(h.order("changed", "oncd", "ostp", **wider))
    h.must(h.order("changed-again", **{**wider, "reasons": {"form": "written", "text": "more"}}))
    h.no("directive_replaced", OpenLift("changed"))
    h.says(h.lifting("changed-again"), "oncd approve", "ostp approve")


def _transcribed(h: History) -> None:
    """Orders by letter: changed and lifted by letter, or confirmed by their issuer."""
    h.must(h.transcribes("letter"))
    h.must(h.transcribes("letter", replaces="letter", surfaces=[API]))
    case = h.lifting("letter")
    h.must(h.letter(case, "bis", "object"))
    h.ends(case, "denied", "objection")
    case = h.lifting("letter", surfaces=[API])
    h.must(h.letter(case, "bis"))
    h.must(h.letter(h.lifting("letter"), "bis"))
    h.must(h.transcribes("confirmed", issuer="ostp", models=[MAIN]))
    h.confirms("confirmed", "ostp")
    h.confirms("confirmed", "ostp")
    case = h.lifting("confirmed")
    h.no("not_transcribed", h.letter(case, "ostp"))
    h.says(case, "ostp approve")
    h.must(
        h.transcribes("standing", issuer="nsc", models=[OLDER], surfaces=[CODEX], reasons={"form": "none"})
    )


def _left(h: History) -> None:
    """Most of what is in force ends; some stays."""
    for name in ("slow", "members", "but-ada"):
        h.says(h.lifting(name), "oncd approve")


def _developers(h: History) -> None:
    """The developer issues for itself, and lifts it."""
    h.must(h.order("own", OFFICER, issuer=DEVELOPER, liftedBy={"anyOf": [DEVELOPER, "oncd"]}, models=[QUIET]))
    h.says(h.lifting("own", surfaces=[CODEX]), f"{DEVELOPER} approve")


DIRECTIVES = (
    _points,
    _everyone,
    _drill,
    _organizations,
    _status,
    _members_named,
    _annexes,
    _restricted,
    _parts_lifted,
    _timed,
    _replaced,
    _transcribed,
    _left,
    _developers,
)
