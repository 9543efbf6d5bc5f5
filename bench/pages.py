"""What is measured of pages: each kind of search, each page by its route, and the desk's list.

A page is made as its route makes it, without the socket: its acts are asked and its template is filled in.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from starlette.requests import Request

from sluicegate.acts import cases, drafts
from sluicegate.acts.act import AGENCY, APPLICANT
from sluicegate.control import pages
from sluicegate.desk import reading
from sluicegate.desk.following import Counterpart, Following
from sluicegate.desk.instances import Instance
from sluicegate.desk.site import DeskSite, Here
from sluicegate.pages.page import PagePlace, Reader, SitePage
from sluicegate.ports import Principal
from sluicegate.signin.door import SignedIn
from sluicegate_record.terms import kinds

if TYPE_CHECKING:
    from bench.casework import Grown

Ask = Callable[[], object]
RELEASE, STAGE, DIRECTIVE = "gpt-5.6", "trusted-partners", "oncd-example"
REVIEWER = Principal("agency_bench", AGENCY, "agency", "oncd")
NOTHING = "nothing has this"
PAGE, ROWS = 50, 5
"""How many rows a list has at once, and how many are asked for where few applications give no whole page."""
SEARCHES = (
    *("list_first", "list_agency", "list_applicant", "list_deep", "list_last"),
    *("list_state", "list_outcome", "list_kind", "list_no_kind"),
    *("list_awaiting", "list_awaiting_state", "list_awaiting_none"),
    *("list_name", "list_names", "list_some_names", "list_names_state"),
    *("list_no_name", "list_no_short_name", "list_no_digits", "show"),
)
ROUTES: Mapping[str, str] = {
    "/": "home",
    "/releases": "releases",
    "/releases/{release}": "release",
    "/record": "record",
    "/record.atom": "atom",
    "/record.json": "json_feed",
    "/record/{index}": "entry",
    "/calendar.ics": "calendar",
    "/account": "account",
    "/applications": "applications",
    "/applications/{case}": "application",
    "/grants/{grant}": "grant",
    "/apply/{release}/{stage}": "apply",
    "/drafts/{draft}/{step}": "draft",
    "/board": "board",
    "/board/{release}": "board_release",
    "/cases": "cases",
    "/cases/{case}": "case",
    "/plan": "plan",
    "/plan/{release}": "plan_release",
    "/directives": "directives",
    "/directives/{directive}": "directive",
    "/order": "order",
    "/early-access": "early_access",
    "/colleagues": "colleagues",
    "/sign-ins": "sign_ins",
}
"""Every page of a control plane, by its route."""
ASKED = {"/early-access": f"of={RELEASE}"}
"""Of pages that answer a question: what is asked."""
ROUTE_SEARCHES = (
    *("record_search", "record_search_deep", "record_search_type", "record_search_many"),
    *("cases_state", "cases_awaiting", "cases_name", "cases_no_name"),
)


class Given(NamedTuple):
    """With what a page is asked: the parts of its path in braces."""

    grown: Grown
    drawn: random.Random

    def of(self, page: SitePage[Any, Any]) -> dict[str, str]:
        """The parts of the path of a page, drawn each time where there are many."""
        there = {
            "release": lambda: RELEASE,
            "stage": lambda: STAGE,
            "directive": lambda: DIRECTIVE,
            "index": lambda: str(self.drawn.randrange(self.grown.ledger.size())),
            "case": self.own_case if APPLICANT in page.roles else self.some_case,
            "grant": lambda: self.grown.grant,
            "draft": lambda: self.grown.draft,
            "step": lambda: "organization",
        }
        return {name: there[name]() for name in there if f"{{{name}}}" in page.path}

    def some_case(self) -> str:
        """Some case that organizations have applied by."""
        return self.drawn.choice(self.grown.cases)

    def own_case(self) -> str:
        """The application of the applicant who reads."""
        return self.grown.own_case


def searches(given: Given) -> dict[str, Ask]:
    """Each kind of list and search of cases: each filter, with what finds many, few and nothing."""
    grown, drawn = given

    def listed(by: Principal | None = None, limit: int = PAGE, **asked: Any) -> Ask:
        return lambda: grown.do(cases.LIST, by, limit=limit, **{name: each() for name, each in asked.items()})

    def always(value: str) -> Callable[[], str]:
        return lambda: value

    found = {
        "list_first": listed(),
        "list_agency": listed(REVIEWER),
        "list_applicant": listed(grown.applicant),
        "list_deep": listed(before=given.some_case),
        "list_last": listed(before=always(grown.cases[10])),
        "list_state": listed(limit=ROWS, state=always(kinds.WAITLISTED)),
        "list_outcome": listed(state=always("denied")),
        "list_kind": listed(kind=always(kinds.TERMS)),
        "list_no_kind": listed(kind=always(kinds.REMOVAL)),
        "list_awaiting": listed(REVIEWER, limit=ROWS, awaiting=always("oncd")),
        "list_awaiting_state": listed(
            REVIEWER, limit=ROWS, awaiting=always("oncd"), state=always(kinds.SUBMITTED)
        ),
        "list_awaiting_none": listed(awaiting=always(APPLICANT)),
        "list_name": listed(organization=lambda: grown.named(drawn.randrange(len(grown.cases)))),
        "list_names": listed(organization=always("utility")),
        "list_some_names": listed(organization=always("utility 000000")),
        "list_names_state": listed(
            limit=ROWS, organization=always("utility"), state=always(kinds.WAITLISTED)
        ),
        "list_no_name": listed(organization=always(NOTHING)),
        "list_no_short_name": listed(organization=always("zq")),
        "list_no_digits": listed(organization=always("0000 utility")),
        "show": lambda: grown.do(cases.SHOW, case=given.some_case()),
    }
    assert tuple(found) == SEARCHES
    return found


def routes(given: Given) -> dict[str, Ask]:
    """Each page of a control plane, by its route; the record and the cases with searches, too."""
    by_path = {page.path: page for page in pages.PAGES}
    assert by_path.keys() == ROUTES.keys(), by_path.keys() ^ ROUTES.keys()

    def shown(path: str, query: Callable[[], str] | None = None) -> Ask:
        return lambda: _made(given, by_path[path], ASKED.get(path, "") if query is None else query())

    def nothing_before() -> str:
        size = given.grown.ledger.size()
        return f"text={NOTHING}&before={given.drawn.randrange(9 * size // 10, size)}"

    searched = {
        "record_search": shown("/record", lambda: f"text={NOTHING}"),
        "record_search_deep": shown("/record", nothing_before),
        "record_search_type": shown("/record", lambda: "type=key.ended"),
        "record_search_many": shown("/record", lambda: "text=oncd"),
        "cases_state": shown("/cases", lambda: f"state={kinds.WAITLISTED}&limit={ROWS}"),
        "cases_awaiting": shown("/cases", lambda: "awaiting=oncd"),
        "cases_name": shown("/cases", lambda: "organization=utility"),
        "cases_no_name": shown("/cases", lambda: f"organization={NOTHING}"),
    }
    assert tuple(searched) == ROUTE_SEARCHES
    return {**{name: shown(path) for path, name in ROUTES.items()}, **searched}


def _made(given: Given, page: SitePage[Any, Any], query: str) -> object:
    grown, path = given.grown, given.of(page)
    place = PagePlace("https://gate.example", page.path.format(**path), query.replace(" ", "+"))
    if page.is_public:
        return pages.made(grown.services, page, place, path)
    by = grown.applicant if APPLICANT in page.roles else grown.staff
    return pages.made(grown.services, page, place, path, by, Reader.of(by, "token", "session"))


def drafted(grown: Grown, organization: str) -> str:
    """A draft of the applicant."""
    asked = {"release": RELEASE, "stage": STAGE, "surface": "api", "organization": organization}
    made = grown.do(drafts.SAVE, grown.applicant, "draft", file="example-utility.yaml", **asked)
    name: str = made.draft
    return name


@contextmanager
def desk(grown: Grown) -> Iterator[dict[str, Ask]]:
    """The list of an agency's desk that follows the log. No instance is asked, and no entry judged again: how
    the list is kept is the same.
    """
    with tempfile.TemporaryDirectory(dir="build") as name:
        instance = Instance(
            name="openai", url="http://x.example", agency="oncd", token="sgt_", vkey=grown.ledger.vkey()
        )
        following = Following(instance, Path(name), cast(Counterpart, None), grown.ledger.now_ms)
        for entry in grown.entries():
            following.record.apply(entry)
            following._told(entry)
        yield {name: _queue(following, query) for name, query in QUEUES.items()}


QUEUES = {
    "desk": b"",
    "desk_all": b"state=all",
    "desk_search": b"text=gpt-5.6",
    "desk_no_text": b"text=nothing+has+this",
}
"""The list of the desk, by its query."""


def _queue(following: Following, query: bytes) -> Ask:
    kept = {"memory": SimpleNamespace(seen=lambda _: {}), "preparations": SimpleNamespace(all=list)}
    site = cast(DeskSite, SimpleNamespace(followings={"openai": following}, **kept))
    who = SignedIn(REVIEWER, "session", "token")
    request = Request({"type": "http", "query_string": query, "headers": []})
    here = Here(request, cast(Any, None), who, cast(Any, None), {})
    return lambda: reading._queue(site, here)
