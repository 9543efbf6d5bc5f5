"""Documents on the applicant's pages: named by digest, sealed in the browser; files of every kind."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, FilePayload, Page, expect

from sluicegate.acts import drafts
from sluicegate.client import sealing
from sluicegate.errors import InvalidInput
from sluicegate_record.log.publickey import keyid
from tests import worlds
from tests.control.conftest import Plane
from tests.pages import offices
from tests.pages.applicants import applied, browsing, serving
from tests.pages.browsing import reading
from tests.pages.conftest import HOSTILE
from tests.pages.signing_in import sign_in
from tests.pages.test_public import parsed
from tests.worlds import API, RELEASE, STAGE, private_key

NAME = "<img src=x onerror=alert(2)>;\u202e\n.pdf"
HUGE = "Object.defineProperty(File.prototype, 'size', { get: () => 2 ** 40 });"
UNREADABLE = "File.prototype.arrayBuffer = () => Promise.reject(new Error('it is a folder'));"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plane]:
    with serving(tmp_path_factory.mktemp("documents")) as made:
        yield made


@pytest.fixture
def page(browser: Browser, site: Plane) -> Iterator[Page]:
    with browsing(browser, site) as made:
        yield made


def file(data: bytes, name: str = "plan.pdf") -> FilePayload:
    """A file as somebody chooses it."""
    return {"name": name, "mimeType": "application/pdf", "buffer": data}


def drafted(plane: Plane, who: str) -> str:
    """The step of somebody's draft that names documents."""
    organization = json.dumps({"name": f"{who} Works", "registeredIn": "US", "owners": []})
    draft = {"release": RELEASE, "stage": STAGE, "surface": API, "organization": organization}
    kept = offices.put(plane, "applicant", who, drafts.SAVE.path, draft)["draft"]
    return f"/drafts/{kept}/criteria"


@pytest.mark.parametrize("size", [0, 1, 65_536, 200_001])
def test_a_copy_is_sealed_in_the_browser_and_only_those_who_decide_open_it(
    page: Page, site: Plane, tmp_path: Path, size: int
) -> None:
    data = bytes(each % 251 for each in range(size))
    sent = list[str]()
    page.on("request", lambda each: sent.append(f"{each.method} {each.url}"))
    here = drafted(site, "sealing")
    sign_in(page, site, "applicant", "sealing")
    page.goto(here)
    expect(page.locator("#seal ~ p").first).to_contain_text("can be read by ONCD and OSTP alone")
    sent.clear()
    page.get_by_label("Seal a copy of a document").set_input_files(file(data))
    link = page.get_by_role("link", name="Save plan.pdf.age")
    with page.expect_download() as saved:
        link.click()
    saved.value.save_as(tmp_path / "plan.pdf.age")
    expect(page.locator("[data-seal] .verdict")).to_contain_text(
        worlds.digest(data.decode("latin-1")) if size < 2 else "sha256:"
    )
    sealed = (tmp_path / "plan.pdf.age").read_bytes()
    for party in ("oncd", "ostp"):
        assert sealing.opened(sealed, private_key(party)) == data
        key = keyid(private_key(party).public_key().public_bytes_raw())[:16]
        expect(page.locator("#seal ~ ul")).to_contain_text(f"{party.upper()}, {party}: key {key}…")
        expect(page.locator("[data-seal] .verdict")).to_contain_text(f"{party.upper()} {key}…")
    with pytest.raises(InvalidInput):
        sealing.opened(sealed, private_key("caisi"))
    assert [each for each in sent if not re.match(r"GET (blob:|\S+/assets/chacha20poly1305\.)", each)] == []


def test_a_document_of_a_case_that_is_open_is_sealed_on_its_page(page: Page, site: Plane) -> None:
    case = applied(site, "cased", "Cased Works")
    sign_in(page, site, "applicant", "cased")
    page.goto(f"/applications/{case}")
    page.get_by_label("Seal a copy of a document").set_input_files(file(b"x"))
    expect(page.get_by_role("link", name="Save plan.pdf.age")).to_be_visible()
    assert not Axe().run(page).response["violations"]
    for agency in ("oncd", "ostp"):
        offices.say(site, case, agency)
    page.reload()
    expect(page.locator("#seal")).to_have_count(0)


def test_a_files_name_is_text_and_one_line_wherever_it_is_shown(page: Page, site: Plane) -> None:
    said = list[str]()
    page.on("dialog", lambda each: said.append(each.message))
    here = drafted(site, "hostile-name")
    sign_in(page, site, "applicant", "hostile-name")
    page.goto(here)
    chosen = f"""(input) => {{
        const files = new DataTransfer();
        files.items.add(new File(["x"], {json.dumps(NAME)}));
        input.files = files.files;
        input.dispatchEvent(new Event("change", {{ bubbles: true }}));
    }}"""
    page.locator("#d-files").evaluate(chosen)
    expect(page.get_by_label("Attachments")).to_have_value(
        f"<img src=x onerror=alert(2)>___.pdf; {worlds.digest('x')}"
    )
    expect(page.locator("form .verdict")).to_have_text("Saved.")
    page.get_by_label("Seal a copy of a document").evaluate(chosen)
    expect(page.locator("[data-seal] .verdict")).to_contain_text("Save <img src=x onerror=alert(2)>")
    page.get_by_role("link", name="Look through and send").click()
    expect(page.locator("main")).to_contain_text("<img src=x onerror=alert(2)>")
    assert said == []


@pytest.mark.parametrize(("how", "says"), [(HUGE, "MiB"), (UNREADABLE, "it is a folder")])
def test_a_file_that_is_too_large_or_none_is_said_so_and_nothing_is_named(
    page: Page, site: Plane, how: str, says: str
) -> None:
    page.add_init_script(how)
    here = drafted(site, "wrong-file")
    sign_in(page, site, "applicant", "wrong-file")
    page.goto(here)
    page.locator("#d-files").set_input_files(file(b"x"))
    expect(page.locator("form .verdict")).to_contain_text(says)
    expect(page.get_by_label("Attachments")).to_have_value("")
    page.get_by_label("Seal a copy of a document").set_input_files(file(b"x"))
    expect(page.locator("[data-seal] .verdict")).to_contain_text(says)
    expect(page.get_by_role("link", name="Save")).to_have_count(0)


def test_without_javascript_the_page_names_the_command(site: Plane) -> None:
    with reading(site, "applicant", "unscripted") as own:
        text = own.get(drafted(site, "unscripted")).text
    assert text.count("sluicegate application seal FILE") == 2
    assert "Not public" in text


def test_what_a_document_is_called_is_text_on_each_page_of_an_application(site: Plane) -> None:
    """Somebody sends a name of a document without our page."""
    here = drafted(site, "by-hand")
    digest = base64.b16encode(bytes(32)).decode().lower()
    with reading(site, "applicant", "by-hand") as own:
        answer = own.post(here, {"attachments": f"{HOSTILE[:100]}; sha256:{digest}"})
        assert answer.status_code == 303
        for path in (here, here.replace("criteria", "review")):
            found = parsed(own.get(path).text)
            assert (found.tags.count("img"), found.inline) == (1, [])
        too_long = own.post(here, {"attachments": f"x; {'0' * 63}"})
        assert too_long.status_code == 303
        assert "Expected" in own.get(here).text
        sent = own.post(here, {"attachments": f"{HOSTILE[:100]}; sha256:{digest}"})
        assert sent.status_code == 303
        assert own.post("/acts/draft.submit", {"draft": here.split("/")[2]}).status_code == 200
        assert "<script>alert" not in own.get("/applications").text
    with site.client(site.token("applicant", "by-hand")) as client:
        (case,) = client.get("/api/v1/cases").json()["cases"]
    with reading(site, "developer", "developer") as staff:
        found = parsed(page := staff.get(f"/cases/{case['case']}").text)
    assert (found.tags.count("img"), found.inline) == (1, [])
    assert "&lt;script&gt;" in page
