"""Pictures of every page, with the weeks of the demonstration and many applicants.

`python -m tools.screenshots ALL [CHOSEN]`: all pages, from top to end, into the folder ALL; the tops of
those that the docs show into CHOSEN.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Page as BrowserPage
from playwright.sync_api import sync_playwright

from demo.cast import DEVELOPER
from demo.fleet import in_a_thread
from demo.story_weeks import NEW_MODEL, ORDER, UTILITY, Weeks
from demo.telling import Page
from sluicegate import bootstrap
from sluicegate.acts import cases, drafts, grants
from sluicegate.acts.applications import Submission
from sluicegate.acts.cases import OPEN, CaseFilter
from sluicegate.acts.grants import GrantFilter
from sluicegate.client.http import Client
from sluicegate.desk import people
from sluicegate.desk import site as desk_site
from sluicegate.desk.instances import Instance, Instances
from sluicegate.pages import applying
from sluicegate.pages.frame import CONTROL
from sluicegate.settings import DeskSettings
from tools import crowd
from tools.crowd import VETTED

WIDTHS = (1_280, 375)
HEIGHT = 900
REVIEWER = "anna"
AGENCY = "ostp"
CHOSEN = {
    "board": 1_280,
    "board-release": 1_280,
    "desk": 1_280,
    "desk-case": 1_280,
    "directive": 1_280,
    "draft-criteria": 375,
    "early-access": 1_280,
    "entry": 375,
    "grant": 1_280,
    "order": 1_280,
    "release": 1_280,
}
"""The pages that the docs show, and how wide."""


class Picture(NamedTuple):
    """What is pictured, under which name."""

    name: str
    path: str


@dataclass(frozen=True)
class Photographer:
    """Pictures pages, each from top to end into `everything`, and what the docs show into `chosen`."""

    everything: Path
    chosen: Path | None

    def take(self, opened: BrowserPage, wanted: Iterable[Picture], width: int) -> None:
        """Picture some pages."""
        for each in wanted:
            opened.goto(each.path, wait_until="networkidle")
            name = f"{each.name}-{width}.png"
            opened.screenshot(path=self.everything / name, full_page=True)
            if self.chosen and CHOSEN.get(each.name) == width:
                opened.screenshot(path=self.chosen / name)


class Visit(NamedTuple):
    """Where someone is, by which link they come in, if any, and what they look at."""

    origin: str
    link: Callable[[], str] | None
    pages: Sequence[Picture]


def of_anyone(size: int) -> Iterator[Picture]:
    """The public pages of a log of `size` entries."""
    yield Picture("releases", "/releases")
    yield Picture("release", f"/releases/{NEW_MODEL}")
    yield Picture("release-full", f"/releases/{VETTED.release}")
    yield Picture("record", "/record")
    yield Picture("record-search", "/record?text=lift")
    yield Picture("record-nothing", "/record?text=nothing-has-this")
    yield Picture("entry", f"/record/{size - 1}")
    yield Picture("sign-in", "/sign-in")
    yield Picture("not-there", "/not-there")


def of_applicant(client: Client, name: str) -> Iterator[Picture]:
    """The pages of an applicant who holds grants, and has begun an application."""
    yield Picture("grant", f"/grants/{client.do(grants.LIST, GrantFilter()).grants[0].grant}")
    yield Picture("applications", "/applications")
    yield Picture("application", f"/applications/{client.do(cases.LIST, CaseFilter()).cases[0].case}")
    yield Picture("apply", f"/apply/{VETTED.release}/{VETTED.stage}")
    asked = Submission(**VETTED._asdict(), organization=json.dumps(crowd.organization(name)))
    draft = client.do(drafts.SAVE, asked).draft
    for step in applying.STEPS:
        yield Picture(f"draft-{step}", f"/drafts/{draft}/{step}")
    yield Picture("directive-applicant", f"/directives/{ORDER}")
    yield from EVERYONE


EVERYONE = (
    Picture("account", "/account"),
    Picture("acts", "/acts"),
    Picture("why", f"/acts/credential.explain?model={NEW_MODEL}"),
)
"""What all have who are signed in."""


def of_staff(client: Client) -> Iterator[Picture]:
    """The pages of the developer's staff."""
    yield Picture("board", "/board")
    yield Picture("board-release", f"/board/{VETTED.release}")
    yield Picture("board-general", f"/board/{NEW_MODEL}")
    yield Picture("cases", "/cases")
    yield Picture("cases-part", "/cases?organization=Sicher")
    for found in client.do(cases.LIST, CaseFilter(state=OPEN, limit=1)).cases:
        yield Picture("case", f"/cases/{found.case}")
    yield Picture("plan", f"/plan/{VETTED.release}")
    yield Picture("plans", "/plan")
    yield Picture("directives", "/directives")
    yield Picture("directive", f"/directives/{ORDER}")
    yield Picture("order", "/order")
    yield Picture("early-access", f"/early-access?of={NEW_MODEL}")
    yield Picture("to-sign", "/to-sign")
    for kind in ("promise", "finding", "ramp", "clearance", "key"):
        yield Picture(f"statement-{kind}", f"/to-sign/new/{kind}?release={NEW_MODEL}")
    yield Picture("staff-account", "/account")
    yield Picture("staff-acts", "/acts")
    yield Picture("act", "/acts/token.issue")


def of_reviewer(case: str) -> Iterator[Picture]:
    """The pages of an agency's reviewer."""
    yield Picture("desk", "/")
    yield Picture("desk-case", f"/i/{DEVELOPER}/cases/{case}")
    for word in ("approve", "approve-with-conditions", "object", "recuse"):
        yield Picture(f"desk-{word}", f"/i/{DEVELOPER}/cases/{case}/{word}")
    yield Picture("desk-statements", "/statements")
    yield Picture("desk-account", "/account")
    yield Picture("desk-instances", "/instances")


@contextmanager
def desk_of(weeks: Weeks, folder: Path) -> Iterator[Visit]:
    """An agency's desk beside the weeks, on their clock."""
    site = weeks.site
    token = (weeks.folder / "control" / "tokens" / f"{AGENCY}.token").read_text().strip()
    instance = Instance(name=DEVELOPER, url=site.url, agency=AGENCY, token=token, vkey=site.ledger.vkey())
    Instances(folder).put(instance)
    wired = bootstrap.desk(DeskSettings(folder, port=0), lambda: site.at_ms)
    following = wired.site.followings[DEVELOPER]
    following.follow()
    with weeks.site.ledger.reading() as state:
        case = next(name for name, each in state.cases.items() if AGENCY in each.awaiting)
    with in_a_thread(partial(bootstrap.serve_desk, wired)) as url:
        invite = partial(people.let_in, wired.site.memory, wired.site.door.store, f"{AGENCY}.{REVIEWER}")
        origin = desk_site.FRAME.reached(url)
        yield Visit(origin, lambda: origin + invite(site.at_ms), list(of_reviewer(case)))


def take(photographer: Photographer) -> None:
    """Tell the weeks, have many apply, and picture each page at each width."""
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        weeks = Weeks(Path(scratch) / "weeks", stack)
        for part in (weeks.june, weeks.ordered, weeks.previewed, weeks.restored):
            part(Page())
        crowd.arrive(weeks.site, weeks.paperwork, weeks.folder)
        weeks.general(Page())
        playwright = stack.enter_context(sync_playwright())
        found = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        stack.callback(browser.close)
        at_desk = stack.enter_context(desk_of(weeks, Path(scratch) / "desk"))
        for visit, width in product((*_visits(weeks), at_desk), WIDTHS):
            context = browser.new_context(
                base_url=visit.origin, viewport={"width": width, "height": HEIGHT}, timezone_id="Etc/UTC"
            )
            with context, context.new_page() as opened:
                if visit.link:
                    opened.goto(visit.link())
                    with opened.expect_navigation():
                        opened.get_by_role("button").click()
                photographer.take(opened, visit.pages, width)


def _visits(weeks: Weeks) -> Iterator[Visit]:
    """Who looks at the pages of the control plane."""
    paperwork, origin = weeks.paperwork, CONTROL.reached(weeks.site.url)
    yield Visit(origin, None, list(of_anyone(weeks.site.ledger.size())))
    customer, staff = paperwork.customer(UTILITY), paperwork.staff()
    yield Visit(origin, partial(paperwork.link, customer), list(of_applicant(customer, UTILITY.name)))
    yield Visit(origin, partial(paperwork.link, staff), list(of_staff(staff)))


if __name__ == "__main__":
    folders = [Path(each) for each in sys.argv[1:]]
    for each in folders:
        each.mkdir(parents=True, exist_ok=True)
    take(Photographer(folders[0], folders[1] if folders[1:] else None))
