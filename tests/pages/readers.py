"""Each page that there is, by who reads it: made of the routes of the servers, so that none is forgotten."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from playwright.sync_api import Page
from starlette.routing import BaseRoute, Route

from demo.fleet import served
from sluicegate.acts.act import APPLICANT, DEVELOPER
from sluicegate.control import app as control
from sluicegate.control.pages import PAGES
from sluicegate.control.plane import ControlPlane
from sluicegate.desk import app as desk
from sluicegate.desk import people, statements
from sluicegate.pages import applying, manager, person
from sluicegate.pages.page import SitePage
from sluicegate.settings import HttpSettings
from sluicegate.statements.cases import Review
from tests.control.conftest import Plane
from tests.desk.office import Office, come_in, running
from tests.pages import offices
from tests.pages.applicants import furnished, plan
from tests.pages.browsing import reading
from tests.pages.conftest import HOSTILE, hostile_plan
from tests.pages.signing_in import invitation, named, sign_in
from tests.worlds import MODEL, RELEASE, STAGE

ANYONE, REVIEWER = "anyone", "reviewer"
READERS = (ANYONE, DEVELOPER, APPLICANT, REVIEWER)
STEPS = ("receive", "approve", "approve-with-conditions", "object", "ask", "recuse", "decline", "refer")
ACTS = ("token.issue", "release.list", "finding.list", "credential.explain")
"""The acts whose forms are read: all are made in one way."""
NO_PAGES = {
    "/sign-in/by/{provider}",
    "/sign-in/by/{provider}/back",
    "/statements/{id}/file",
    "/to-sign/{id}/file",
}
"""Ways to a provider and back, and a file."""
IN_FRONT = {"/sign-in", "/welcome/{secret}", person.PATH}
"""Where no one is signed in yet."""
QUERY = {"/early-access": f"of={RELEASE}"}
"""What pages are asked with that need it."""


@dataclass(frozen=True, slots=True)
class Readable:
    """The pages of a reader: their origin, their paths, and how the reader comes in."""

    origin: str
    paths: Sequence[str]
    enter: Callable[[Page], None]


@contextmanager
def readable(folder: Path) -> Iterator[Mapping[str, Readable]]:
    """The pages of each reader, on servers that have something for each, with hostile texts."""
    for each in ("plane", "office"):
        (folder / each).mkdir()
    made = Plane(folder / "plane", HttpSettings(burst=10_000))
    with served(made.wired) as made.url, running(folder / "office") as office:
        yield {**_of_plane(made), REVIEWER: _of_office(office)}


def _of_plane(plane: Plane) -> Mapping[str, Readable]:
    offices.opened(plane, plan())
    offices.put(plane, DEVELOPER, "developer", "/api/v1/releases", {"text": hostile_plan()})
    offices.ordered(plane)
    has = furnished(plane, APPLICANT)
    places = {
        "release": (RELEASE, "hostile"),
        "stage": (STAGE,),
        "index": ("2",),
        "case": (has.case,),
        "grant": (has.grant,),
        "draft": (has.draft,),
        "step": tuple(applying.STEPS),
        "directive": (offices.ORDER,),
        "act": ACTS,
        "id": (_to_sign(plane),),
        "what": ("key", "finding"),
        "secret": (invitation(plane, DEVELOPER, "not-yet-in").rpartition("/")[2],),
    }
    wired = plane.wired
    over = ControlPlane.over(wired.ledger, wired.fleet, wired.settings, wired.parsers)
    known = {each.path: each for each in PAGES}
    found = dict[str, list[str]]()
    for pattern, path in _paths(control.application(over, HttpSettings(), lambda _: None).routes, places):
        found.setdefault(_reader(pattern, known.get(pattern)), []).append(path)
    found[APPLICANT] += [f"/acts/credential.explain?credential={has.key}&model={MODEL}"]
    enters = {each: partial(sign_in, plane=plane, role=each, name=each) for each in (DEVELOPER, APPLICANT)}
    return {
        who: Readable(named(plane), paths, enters.get(who, lambda _: None)) for who, paths in found.items()
    }


def _reader(pattern: str, page: SitePage[Any, Any] | None) -> str:
    """Who reads a page: the staff reads those that everyone has who is signed in."""
    if pattern in IN_FRONT or (page is not None and page.is_public):
        return ANYONE
    roles = manager.STAFF if page is None else page.roles or page.act.roles
    return DEVELOPER if DEVELOPER in roles else APPLICANT


def _to_sign(plane: Plane) -> str:
    """A statement that waits for an officer."""
    with reading(plane, DEVELOPER, "developer") as staff:
        sent = {"what": "closing", "release": RELEASE, "stage": STAGE, "reason": "why"}
        answer = staff.post("/to-sign", sent)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].rpartition("/")[2]


def _of_office(office: Office) -> Readable:
    cases = [office.submitted(f"Example Office {number}") for number in range(3)]
    office.say(cases[0], "oncd", "ask", reason="What is it for?")
    for each in cases:
        office.known(each)
    places = {
        "instance": ("openai",),
        "case": (cases[0],),
        "index": ("3",),
        "word": STEPS,
        "id": (_prepared(office, cases[1]),),
        "secret": (office.path.rpartition("/")[2],),
    }
    routes = desk.application(office.wired.site, lambda _: None).routes
    paths = [path for _, path in _paths(routes, places)]
    chosen = "&".join(f"case=openai/{each}" for each in cases)
    return Readable(
        office.url,
        [f"{each}?{chosen}" if each == "/schedule" else each for each in paths],
        partial(come_in, office=office, who="ostp.reads"),
    )


def _prepared(office: Office, case: str) -> str:
    """A statement that waits for a signature at the desk."""
    site = office.wired.site
    following, read = site.read("openai", case)
    stated = statements.position(following, read, Review("object", HOSTILE[:40]))
    made = statements.prepared(following, stated, people.principal_of("ostp.reads"))
    site.preparations.put(made)
    return made.id


def _paths(routes: Iterable[BaseRoute], places: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str]]:
    """The paths of all pages among some routes, each with its pattern. A part that no place is known for is
    a KeyError: say one.
    """
    for route in routes:
        if isinstance(route, Route) and _is_page(route):
            names = re.findall(r"{(\w+)}", route.path)
            for values in product(*(places[name] for name in names)):
                path = route.path.format(**dict(zip(names, values, strict=True)))
                yield route.path, f"{path}?{QUERY[path]}" if path in QUERY else path


def _is_page(route: Route) -> bool:
    is_ours = route.name.startswith(("page /", "GET /")) or route.path == person.PATH
    return is_ours and "." not in route.path and route.path not in NO_PAGES
