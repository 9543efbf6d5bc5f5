"""From an application to an answered call, by keyboard alone: an applicant at the developer's pages, a
reviewer at an agency's desk, and two gateways, of which one has the reviewer's passkey in its trust file.
Each server is a process of its own.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect

from demo.cast import DEVELOPER, OFFICER, Cast, Customer, Newcomer, Place
from demo.customer import Refused, ask
from demo.paperwork import Paperwork
from demo.site import Site, followed
from sluicegate.acts import review, tokens
from sluicegate.acts.act import GATEWAY
from sluicegate.acts.cases import CaseArgument
from sluicegate.acts.review import ReviewStatement
from sluicegate.acts.tokens import TokenRequest
from sluicegate.client import export, signing
from sluicegate.statements.cases import Review
from sluicegate_record.verify import verify
from tests import worlds
from tests.cli.commands import Cli
from tests.demo.commands import Command, paste
from tests.launcher import Launcher
from tests.pages.applicants import CRITERIA, plan
from tests.pages.keyboard import CALM, choose, follow, give, press, reach, skip, write
from tests.pages.signing_in import authenticator
from tests.waiting import BOUND_S, eventually
from tests.worlds import API, MODEL, RELEASE, STAGE

CLIENTS = Path(__file__).parents[2] / ".venv-clients" / "bin" / "python"
ELSEWHERE = "https://GATEWAY"
"""What stands for the address of a gateway whose address no one has said."""
PATH = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
WHO = "anna"
NEWCOMER = Newcomer("Journey Works", "journey")
APPLIES = Customer(*NEWCOMER, Place(RELEASE, STAGE, API))


class Scene:
    """The servers of a developer and of an agency, of which the developer has a key file so far."""

    def __init__(self, folder: Path, cli: Cli, stack: ExitStack) -> None:
        self.folder, self.cli, self._stack = folder, cli, stack
        self.cast = Cast(folder, ("oncd", "ostp"), (OFFICER,))
        self.cast.assemble(log_exists=False)
        self._pins = yaml.safe_load(self.cast.trust_file.read_text())["spec"]
        self._model = stack.enter_context(Command(folder, "upstream", "--port", "0", "--json"))

    def start(self, *words: object) -> Any:
        """Start a server, until the end; what it says when it is ready."""
        return self._stack.enter_context(self.cli.serving(*words, "--json"))

    @contextmanager
    def desk(self, port: object = 0) -> Iterator[str]:
        """The agency's desk; where it is."""
        with self.cli.serving("desk", "--desk", self.folder / "desk", "--port", port, "--json") as ready:
            yield ready["pages"]

    def invited(self, desk: str) -> str:
        """A link that lets the reviewer in at the desk."""
        where = ("--desk", self.folder / "desk", "--url", desk, "--json")
        link: str = self.cli("reviewer", "invite", WHO, *where).answer["link"]
        return link

    def control(self, owner: Any) -> Any:
        """Start a control plane that knows the agency's key file, and an owner; where it is."""
        file = self._trust("trust.yaml", "Trust", owner)
        where = ("--state", self.folder / "control", "--port", 0, "--feed-port", 0)
        return self.start("serve", "--trust", file, *where)

    def follow(self, control: Any) -> None:
        """Have the next desk follow the control plane."""
        token = self.folder / "control" / "tokens" / "ostp.token"
        given = ("--agency", "ostp", "--token-file", token, "--key", control["vkey"])
        where = ("--desk", self.folder / "desk", "--json")
        assert self.cli("instance", "add", control["url"], *given, *where).answer["keys"] == 2

    def papers(self, control: Any) -> Paperwork:
        """What the parties do by the API, on a site where the plan is agreed to and its stage open."""
        site = Site(self.folder, control["url"], "", "", control["vkey"])
        papers = Paperwork(site, self.cast, self.folder)
        self._stack.callback(papers.close)
        file = self.folder / "plan.yaml"
        file.write_text(json.dumps(plan()))
        for case in papers.apply_plan(file).cases:
            papers.decide(case)
        papers.open_stage(RELEASE, STAGE)
        organization = {"name": APPLIES.name, "registeredIn": "US"}
        (self.folder / f"{APPLIES.slug}.yaml").write_text(json.dumps(organization))
        return papers

    def gateway(self, name: str, control: Any, papers: Paperwork, owner: Any) -> str:
        """Start a gateway whose trust file has the agency's key file, and an owner, if any; its URL."""
        token = self.folder / f"{name}.token"
        asked = TokenRequest(role=GATEWAY, name=name)
        token.write_text(papers.staff().do(tokens.ISSUE, asked).token)
        floor = {"floor": {"allOf": ["oncd", "ostp"]}, "upstreams": {MODEL: "demo"}}
        more = {"log": control["vkey"], "releases": {RELEASE: floor}}
        words = {
            "--trust": self._trust(f"{name}.yaml", "GatewayTrust", owner, **more),
            "--token-file": token,
            "--state": self.folder / name,
            "--name": name,
            "--control": control["url"],
            "--feed": control["feed"],
            "--log-key": control["vkey"],
            "--upstream": f"demo={self._model.ready()['url']}",
            "--port": 0,
        }
        url: str = self.start("gateway", *(each for pair in words.items() for each in pair))["url"]
        return url

    def _trust(self, name: str, kind: str, owner: Any, **more: Any) -> Path:
        ostp = {"owners": {"ostp": self._pins["agencies"]["ostp"], **owner}}
        spec = {**self._pins, "agencies": {**self._pins["agencies"], "ostp": ostp}, **more}
        made = {
            "apiVersion": "sluicegate/v1",
            "kind": kind,
            "metadata": {"developer": DEVELOPER},
            "spec": spec,
        }
        path = self.folder / name
        path.write_text(json.dumps(made))
        return path


@pytest.fixture
def scene(tmp_path: Path, launcher: Launcher) -> Iterator[Scene]:
    with ExitStack() as stack:
        yield Scene(tmp_path, Cli(tmp_path, launcher), stack)


@dataclass(frozen=True)
class People:
    """The applicant and the reviewer, each at a browser of their own."""

    applicant: Page
    reviewer: Page


@pytest.fixture
def people(browser: Browser) -> Iterator[People]:
    with browser.new_context(**CALM) as first, browser.new_context(**CALM) as second:
        for each in (first, second):
            each.set_default_timeout(BOUND_S * 1_000)
        yield People(first.new_page(), second.new_page())


def test_an_application_is_approved_with_a_passkey_and_answered_where_that_is_trusted(
    scene: Scene, people: People
) -> None:
    with scene.desk() as desk:
        owner = yaml.safe_load(key_for_a_trust_file(people.reviewer, scene.invited(desk)))
    control = scene.control(owner)
    papers = scene.papers(control)
    honours = scene.gateway("honours", control, papers, owner)
    believes_less = scene.gateway("believes-less", control, papers, {})
    case = applied(people.applicant, papers.link(papers.customer(APPLIES)))
    checked(papers, case)
    before = papers.issue(APPLIES, papers.open_account(NEWCOMER))
    followed(honours, before.size)
    refused = ask(honours, before.key, MODEL, "Hello")
    assert isinstance(refused, Refused)
    assert refused.reason == "application_pending"

    asked_and_answered(scene, papers, case, people.applicant)
    papers.approve(case, "oncd")
    scene.follow(control)
    with scene.desk(urlsplit(desk).port):
        approved(people.reviewer, desk)
    audit = verify(control["url"], control["vkey"])
    assert audit.ok, audit
    [owners] = [each.owners for each in papers.case(case).positions if each.agency == "ostp"]
    assert owners == (WHO,)

    key = key_made(people.applicant)
    size = papers.head().size
    for url in (honours, believes_less):
        followed(url, size)
    answered_in_the_code_of_the_page(people.applicant, honours)
    assert isinstance(ask(believes_less, key, MODEL, "Hello"), Refused)


def key_for_a_trust_file(page: Page, link: str) -> str:
    """A reviewer comes in, makes a passkey, and reads the text that the developer is to have of it."""
    page.goto(link)
    authenticator(page)
    follow(page.get_by_role("button", name=f"Sign in as {WHO}"))
    follow(page.get_by_role("link", name="Add a passkey"))
    write(page.get_by_label("What to call it"), "laptop")
    press(page.get_by_role("button", name="Make a passkey"))
    text = page.get_by_label("Your key, for a trust file")
    reach(text)
    return text.inner_text()


def applied(page: Page, link: str) -> str:
    """Someone comes in, makes a passkey, reads what a stage asks, applies in steps, and corrects what is
    wrong; the case.
    """
    page.goto(link)
    authenticator(page)
    follow(page.get_by_role("button", name="Sign in as"))
    follow(page.get_by_role("link", name="Add a passkey"))
    press(page.get_by_role("button", name="Make a passkey"))
    page.wait_for_url("**/account")
    follow(page.get_by_role("link", name="Your applications"))
    skip(page)
    follow(page.get_by_role("link", name="Apply for GPT-5.6 limited preview"))
    expect(page.locator("main")).to_contain_text(CRITERIA[0])
    expect(page.locator("main")).to_contain_text("10 business days from its receipt")
    write(page.get_by_label("Legal name"), APPLIES.name)
    write(page.get_by_label("Registered in"), "USA")
    follow(page.get_by_role("button", name="Begin"))
    _organization(page)
    _use(page, "embedded")
    _answers(page)
    expect(page.get_by_role("alert")).to_contain_text("onward access 'embedded' is not eligible")
    follow(page.get_by_role("link", name="Who will use it"))
    choose(page.get_by_label("Who else you give access to"), "none")
    follow(page.get_by_role("button", name="Save and go on"))
    follow(page.get_by_role("link", name="Look through and send"))
    expect(page.locator("main")).to_contain_text("Ada Example, by day and night.")
    expect(page.get_by_role("alert")).to_have_count(0)
    follow(page.get_by_role("button", name="Send the application"))
    follow(page.get_by_role("link", name="Application: gpt-5.6"))
    return page.url.rpartition("/")[2]


OWNERS = "Example Holding; US; 60\nAda, and Ben; GB; 30"


def _organization(page: Page) -> None:
    expect(page.locator("p.fault")).to_contain_text("two letters of a country")
    expect(page.get_by_label("Registered in")).to_have_value("USA")
    write(page.get_by_label("Registered in"), "US")
    write(page.get_by_label("Owners"), OWNERS)
    page.keyboard.press("Tab")
    expect(page.locator("form .verdict")).to_have_text("Saved.")
    page.reload()
    expect(page.get_by_label("Owners")).to_have_value(OWNERS)
    follow(page.get_by_role("button", name="Save and go on"))


def _use(page: Page, onward: str) -> None:
    write(page.get_by_label("What you will use it for"), "finding weaknesses")
    choose(page.get_by_label("Who else you give access to"), onward)
    expect(page.locator("#d-programmes-hint")).to_contain_text("There are: cyber:daybreak_red.")
    write(page.get_by_label("Programmes"), "cyber:daybreak_red")
    follow(page.get_by_role("button", name="Save and go on"))


def _answers(page: Page) -> None:
    write(page.get_by_label(CRITERIA[0]), "Ada Example, by day and night.")
    files = page.get_by_label("Take the digest of a file")
    give(files, {"name": "plan.pdf", "mimeType": "application/pdf", "buffer": b"a plan"})
    expect(page.get_by_label("Attachments")).to_have_value(f"plan.pdf; {worlds.digest('a plan')}")
    follow(page.get_by_role("button", name="Save and go on"))


def checked(papers: Paperwork, case: str) -> None:
    """Check that agencies are asked what was written."""
    exported = papers.agency("oncd").do(review.EXPORT, CaseArgument(case=case))
    assert [each.label for each in exported.question.programmes] == ["cyber: daybreak_red"]
    assert exported.dossier is not None
    dossier: Any = exported.dossier.application
    assert dossier["criteria"] == {CRITERIA[0]: "Ada Example, by day and night."}
    assert dossier["attachments"] == [{"name": "plan.pdf", "digest": worlds.digest("a plan")}]
    assert dossier["organization"]["owners"][1] == {"name": "Ada, and Ben", "registeredIn": "GB", "share": 30}


def asked_and_answered(scene: Scene, papers: Paperwork, case: str, page: Page) -> None:
    """An agency asks something, and the applicant answers."""
    client = papers.agency("oncd")
    exported = export.checked(client.do(review.EXPORT, CaseArgument(case=case)))
    said = Review("ask", "Who will use it?")
    envelope = signing.position(exported, said, scene.cast.key("oncd"))
    client.do(review.IMPORT, ReviewStatement(envelope=envelope))
    page.reload()
    write(page.get_by_label("Your answer"), "Our own staff.")
    follow(page.get_by_role("button", name="Send your answer"))
    expect(page.get_by_role("status")).to_contain_text("Done: answer an agency's question.")


def approved(page: Page, desk: str) -> None:
    """The reviewer finds the case in the list, reads it, confirms its receipt, and approves it."""
    row = page.get_by_role("row").filter(has_text=APPLIES.name)

    def waits() -> int:
        page.goto(desk)
        return row.filter(has_text="waits for you").count()

    eventually(waits)
    skip(page)
    follow(row.get_by_role("link", name=APPLIES.name))
    main = page.locator("main")
    expect(main).to_contain_text("May this organization use the models of this stage on this surface?")
    expect(main).to_contain_text("Our own staff.")
    expect(main).to_contain_text("Ada Example, by day and night.")
    skip(page)
    follow(page.get_by_role("link", name="Confirm receipt"))
    expect(main).to_contain_text("10 business days, by the calendar us-federal")
    _signed(page)
    expect(main).to_contain_text("your time is over at the end of")
    follow(page.get_by_role("link", name="Approve", exact=True))
    expect(main).to_contain_text("Then enough agencies have said yes, and the case is decided.")
    write(page.get_by_label("Your reason"), "They keep the lights on.")
    _signed(page)
    expect(page.get_by_role("status").first).to_contain_text("as this desk has verified it")
    expect(main).to_contain_text("Decided: approved")


def _signed(page: Page) -> None:
    """What a form asks is signed as it is shown."""
    follow(page.get_by_role("button", name="Go on to what you sign"))
    expect(page.locator(".statement")).to_contain_text(APPLIES.name)
    follow(page.get_by_role("button", name="Sign with your passkey"))


def key_made(page: Page) -> str:
    """The applicant makes a key of what was granted."""
    page.reload()
    follow(page.get_by_role("link", name="Make a key"))
    press(page.get_by_role("button", name="Make a key"))
    expect(page.locator("#made-title")).to_be_focused()
    return page.locator("#made-key").inner_text()


def answered_in_the_code_of_the_page(page: Page, gateway: str) -> None:
    """The code that the page shows has the key that was made there: pasted as it is, it is answered."""
    variables = (page.locator("#code ~ pre").first.text_content() or "").replace(ELSEWHERE, gateway)
    for name, python in (("openai", "python"), ("anthropic", "python"), ("openai-agents", str(CLIENTS))):
        if name == "openai-agents" and not CLIENTS.is_file():
            continue
        said = paste(f"PATH='{PATH}'\n{variables}\n'{python}' - <<'END'\n{_code(page, name)}\nEND")
        assert "You said: Hello" in said, name
    assert "You said: Hello" in paste(f"{variables}\n{_code(page, 'curl')}")


def _code(page: Page, name: str) -> str:
    """The code that the page shows for a client."""
    shown = page.locator("details", has=page.locator("summary", has_text=re.compile(f"{name}$")))
    return shown.locator("pre").text_content() or ""
