"""Lists beside an order or a plan, written in a form as CSV: read on the server, shown before one signs."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FilePayload, Page, expect

from sluicegate.acts.sheets import sheets_of
from sluicegate.acts.table import PUBLIC
from sluicegate.bounds import ACT_BODY_MAX, FAULTS_MAX, FORM_BODY_MAX
from sluicegate.pages import forms
from sluicegate.parsing import sheets
from sluicegate.statements import table
from tests.control.conftest import Plane
from tests.pages.browsing import Reading, reading
from tests.pages.keyboard import CALM, follow, give, write
from tests.pages.officers import clear, order
from tests.pages.signing_in import named, sign_in
from tests.waiting import BOUND_S
from tests.worlds import plan_value, stage

DIGEST = 64 * "0"
ORDER = order("by-list", "{annexes: [annex-a]}", f'{{annex-a: {{file: a.csv, digest: "sha256:{DIGEST}"}}}}')
TWO = ORDER.replace("[annex-a]", "[annex-a, annex-b]").replace(
    "annexes: {annex-a: {file",
    f'annexes: {{annex-b: {{file: b.csv, digest: "sha256:{64 * "1"}"}}, annex-a: {{file',
)
ARRIVED = {"how": "call", "on": "2026-06-12", "note": "by telephone"}
NAMES = 'organization;note\r\n"Utility; of the North";"=HYPERLINK(""http://evil"",""x"")"\r\nSouth Water;\r\n'


@pytest.fixture
def staff(site: Plane) -> Iterator[Reading]:
    with reading(site, "developer", "developer") as found:
        yield found


def previewed(staff: Reading, annexes: str, order: str = ORDER) -> tuple[int, str]:
    """The page of an order with names beside it."""
    answer = staff.post("/acts/directive.preview", {"text": order, "annexes": annexes})
    return answer.status_code, answer.text


def fault(page: str) -> str:
    """What is said at the field of the names."""
    said = re.findall(r'(?s)id="o-annexes-fault-\d+">(.*?)</p>', page)
    assert 'aria-invalid="true"' in page
    return html.unescape(" | ".join(each[:1].lower() + each[1:] for each in said))


def kept(page: str) -> str:
    """What is in the field of the names."""
    (found,) = re.findall(r'(?s)<textarea id="o-annexes"[^>]*>\n(.*?)</textarea>', page)
    return html.unescape(found)


def test_each_list_that_a_form_takes_as_a_sheet_has_its_columns_and_an_example_that_is_read() -> None:
    asked = [act.asked for act in PUBLIC] + [kind.asks for kind in table.STATEMENTS.values()]
    taken = {key: (form, field) for form in asked for key, field in sheets_of(form).items()}
    assert taken.keys() == {"annexes", "lists"}
    for key, (form, field) in taken.items():
        assert [each.sheet for each in forms.fields_of(form, {}) if each.sheet] == [field]
        (names,) = sheets.read(form, key, field.example).values()
        assert names
        (columns, *_) = field.example.splitlines()
        assert set(columns.split(",")) <= field.columns.keys()


@pytest.mark.parametrize(
    ("annexes", "said"),
    [
        ('{"annex-a": {"organizations": ["A Utility"]}}', "A Utility"),
        ("organization\nA Utility\n", "A Utility"),
        ("\ufefforganization\r\nA Utility\r\n", "A Utility"),
        (NAMES, "Utility; of the North"),
        ("annex,organization\nannex-a,A Utility\n", "A Utility"),
        ("organization\tnote\nA Utility\t=1+1\n", "A Utility"),
        ('organization\n"=HYPERLINK(""http://evil"",""x"")"\n', '=HYPERLINK("http://evil","x")'),
        ("organization\n<script>alert(1)</script>\n", "<script>alert(1)</script>"),
    ],
)
def test_names_are_taken_as_a_sheet_or_as_json(staff: Reading, annexes: str, said: str) -> None:
    status, page = previewed(staff, annexes)
    assert status == 200, page
    (names,) = re.findall("(?s)<h3>[^<]* without a match here yet.*?</ul>", page)
    assert html.escape(said, quote=False) in names.replace("&#34;", '"')
    made = staff.post("/to-sign", {"what": "directive", "text": ORDER, "annexes": annexes, **ARRIVED})
    assert made.status_code == 303, made.text


def test_who_signs_reads_which_names_are_of_one_organization(staff: Reading) -> None:
    sent = {
        "what": "directive",
        "text": ORDER,
        **ARRIVED,
        "annexes": "organization,alias\nA Utility,AU|A.U.\n",
    }
    page = staff.get(staff.post("/to-sign", sent).headers["location"]).text
    assert "“A Utility” (also “AU”, “A.U.”)" in page


def test_one_sheet_has_the_names_of_several_annexes(staff: Reading) -> None:
    annexes = "annex,organization\nannex-a,A Utility\nannex-b,B Utility\nannex-b,A Utility\n"
    status, page = previewed(staff, annexes, TWO)
    assert status == 200, page
    assert "3 names without a match" in page
    status, page = previewed(staff, "organization\nA Utility\n", TWO)
    assert status == 400
    assert "expected the column 'annex', which says whose each row is: annex-b, annex-a" in fault(page)


@pytest.mark.parametrize(
    ("annexes", "said"),
    [
        ("organization\nA\nB,C\n", "line 3, column 1: expected 1 cell, as in the first line"),
        (
            "organization\nA\na\n",
            "line 3, column 1: expected each name once; it is in line 2, too, found 'a'",
        ),
        ("organization,organization\nA,B\n", "line 1, column 14: expected the column 'organization'"),
        ("names\nA\n", "line 1, column 1: expected the column 'organization'"),
        ("organization\nA\x00B\n", "line 2, column 1: expected a name without invisible characters"),
        ('organization\n"A\nB"\n', "line 2, column 1: expected a name without invisible characters"),
        ('organization\n"A"x\n', "line 2, column 1: expected rows of cells, as CSV has them"),
        ('organization\n"A\n', "line 2, column 1: expected rows of cells, as CSV has them"),
        ("organization\n", "line 1, column 1: expected 1 to 100,000 rows, found 0"),
        ("organization,lei\nA,not-one\n", "line 2, column 3: expected an LEI"),
        ("annex,organization\n,A\n", "line 2, column 1: expected whose row it is, in the column 'annex'"),
        ("annex,organization\nannex-b,A\n", "expected the names of each annex that the order states"),
        ("person,organization\nmem_1,A\n", "line 1, column 8: expected the column 'person'"),
        ('organization\n=HYPERLINK("http://evil","x")\n', "line 2, column 1: expected rows of cells"),
        ("organization\n" + "A" * 200_000 + "\n", "line 2, column 1: expected"),
        ('{"annex-a": ', "expected JSON"),
        ('{"annex-a": {"organizations": [1]}}', "annex-a.organizations.0: expected a name"),
        ('["A"]', "expected an object, found ['A']"),
    ],
)
def test_what_is_wrong_in_a_list_is_said_at_its_field_and_nothing_is_lost(
    staff: Reading, site: Plane, annexes: str, said: str
) -> None:
    before = site.ledger.size()
    status, page = previewed(staff, annexes)
    assert (status, said in fault(page)) == (400, True), fault(page)
    assert kept(page) == annexes
    assert "metadata: {name: by-list}" in page
    sent = {"what": "directive", "text": ORDER, "annexes": annexes, **ARRIVED}
    refused = staff.post("/to-sign", sent)
    assert refused.status_code == 400
    assert said in fault(refused.text.replace("s-annexes", "o-annexes"))
    assert site.ledger.size() == before


def test_a_list_of_a_megabyte_is_taken_and_one_of_which_every_row_is_wrong_is_refused(staff: Reading) -> None:
    names = "organization\n" + "".join(f"Example Utility {i:05d}\n" for i in range(45_000))
    assert len(names) > 990_000
    status, page = previewed(staff, names)
    assert (status, "the first 100 rows" in page) == (200, True)
    status, page = previewed(staff, "organization\n" + "A\n" * 20_000)
    assert (status, fault(page).count("line ")) == (400, 2 * FAULTS_MAX)
    status, page = previewed(staff, "A" * FORM_BODY_MAX)
    assert (status, "a body of more than" in page) == (413, True)


def test_only_a_form_that_may_have_long_lists_may_be_long(staff: Reading) -> None:
    for path, what, most in (
        ("/to-sign", {"what": "directive", "text": "x", **ARRIVED}, FORM_BODY_MAX),
        ("/to-sign/unknown", {}, ACT_BODY_MAX),
        ("/to-sign/unknown/forget", {}, ACT_BODY_MAX),
        ("/acts/plan.preview", {"text": "x"}, ACT_BODY_MAX),
    ):
        answers = [staff.post(path, {**what, "annexes": "A" * size}) for size in (most - 10_000, most)]
        assert [each.status_code == 413 for each in answers] == [False, True], path


def test_what_is_wrong_in_a_field_of_a_statement_is_said_there(staff: Reading) -> None:
    refused = staff.post(
        "/to-sign", {"what": "directive", "text": ORDER, **ARRIVED, "digest": "sha256:x" * 20}
    )
    assert refused.status_code == 400
    assert 'id="s-digest-fault-1"' in refused.text


def listed_plan() -> str:
    """A plan with a stage for the organizations on a list."""
    listed = stage(
        "listed",
        audience={"organizations": "partners.csv"},
        admission={"mode": "approve", "grant": {"allOf": ["oncd", "ostp"]}},
        basis={"kind": "agreed", "askedBy": ["oncd"], "how": "a call", "askedOn": "2026-06-24"},
    )
    return json.dumps(plan_value("listed", models=("m-listed",), stages=[listed]))


def test_a_plan_takes_its_lists_as_a_sheet(staff: Reading, site: Plane) -> None:
    text = listed_plan()
    wrong = staff.post("/acts/plan.preview", {"text": text, "lists": "organization\nA\n A \n"})
    assert wrong.status_code == 400
    assert "Line 3, column 1: expected each organization once" in html.unescape(wrong.text)
    bases = list[str]()
    lists = "list,organization\npartners.csv,A Utility\n"
    for each, count in (("organization\nA Utility\nB Utility\n", 2), (lists, 1)):
        shown = staff.post("/acts/plan.preview", {"text": text, "lists": each})
        assert (shown.status_code, f"for {count} listed" in shown.text) == (200, True), shown.text
        bases += re.findall(r'name="base" value="([^"]*)"', shown.text)
    done = staff.post("/acts/plan.apply", {"text": text, "lists": lists, "base": bases[-1]})
    assert done.status_code == 200, done.text


def file(text: str) -> FilePayload:
    """A list as somebody chooses it, as a spreadsheet writes it."""
    return {"name": "a.csv", "mimeType": "text/csv", "buffer": text.encode("utf-16")}


def digest(text: str) -> str:
    """The digest of the same file."""
    return f"sha256:{hashlib.sha256(text.encode('utf-16')).hexdigest()}"


@pytest.mark.parametrize("javascript", [True, False])
def test_an_officer_takes_a_list_from_a_file_or_writes_it_and_sees_it_as_a_table_by_keyboard_alone(
    browser: Browser, site: Plane, *, javascript: bool
) -> None:
    with browser.new_context(base_url=named(site), java_script_enabled=javascript, **CALM) as context:
        context.set_default_timeout(BOUND_S * 1_000)
        page = context.new_page()
        sign_in(page, site, "developer", f"lists-{javascript}")
        page.goto("/order")
        write(page.get_by_role("textbox", name="Text", exact=True), ORDER)
        taken = page.locator("#o-annexes-taken")
        names, chosen = page.get_by_label("Annexes (optional)"), page.get_by_label("Take it from a file")
        assert page.locator("#o-annexes-fault-1").count() == 0
        expect(page.get_by_text("organization,alias,note")).to_be_visible()
        if javascript:
            give(chosen, file("organization,note\nA Utility,why\nA utility,again\n"))
            expect(page.locator("#o-annexes-file-said")).to_contain_text("The text of a.csv is in the field")
            expect(taken).to_have_value(digest("organization,note\nA Utility,why\nA utility,again\n"))
        else:
            expect(chosen).to_be_hidden()
            write(names, "organization,note\nA Utility,why\nA utility,again\n")
        follow(page.get_by_role("button", name="Show who it covers"))
        expect(page.locator("#o-annexes-fault-1")).to_contain_text(
            "Line 3, column 1: expected each name once"
        )
        expect(names).to_have_value("organization,note\nA Utility,why\nA utility,again\n")
        if javascript:
            clear_in_both_schemes(page)
        write(names, "organization,note\nA Utility,why\n")
        if javascript:
            expect(taken).to_have_value("")
        follow(page.get_by_role("button", name="Show who it covers"))
        shown = page.get_by_role("table", name="Annexes, as they are read")
        expect(shown.get_by_role("row")).to_have_text([re.compile("Line"), re.compile("2 *A Utility *why")])
        if javascript:
            clear_in_both_schemes(page)


def clear_in_both_schemes(page: Page) -> None:
    """Check that a page has no barrier, in the light and in the dark."""
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        clear(page)


LIST = "organization\nRight Corp\n"
DIGEST = f"sha256:{hashlib.sha256(LIST.encode()).hexdigest()}"
STATING = ORDER.replace(f"sha256:{64 * '0'}", DIGEST)
NOT_COMPARED = f"The order states the list annex-a with the digest {DIGEST}. What was written here as its"


@pytest.mark.parametrize(
    ("order", "taken", "said"),
    [
        (STATING, DIGEST, f"from the file that the order states, with the digest {DIGEST}"),
        (STATING, "", NOT_COMPARED),
        (STATING, f"sha256:{64 * '2'}", "Expected the file that the order states as annex-a"),
        (TWO.replace(f"sha256:{64 * '0'}", DIGEST), DIGEST, NOT_COMPARED),
    ],
)
def test_names_are_compared_with_the_digest_that_the_order_states_or_it_is_said_that_they_are_not(
    staff: Reading, site: Plane, order: str, taken: str, said: str
) -> None:
    annexes = LIST if order == STATING else "annex,organization\nannex-a,Right Corp\nannex-b,B Utility\n"
    sent = {"text": order, "annexes": annexes, "_taken": taken}
    shown = staff.post("/acts/directive.preview", sent)
    assert (shown.status_code, said in html.unescape(shown.text)) == (200, True), shown.text
    assert f'name="_taken" value="{taken}"' in shown.text
    made = staff.post("/to-sign", {"what": "directive", **sent, **ARRIVED})
    if taken not in {"", DIGEST}:
        assert made.status_code == 400
        assert f"with the digest {DIGEST}, found one" in fault(made.text.replace("s-annexes", "o-annexes"))
        assert f'name="_taken" value="{taken}"' in made.text  # so that it is refused again
        return
    signed = html.unescape(staff.get(made.headers["location"]).text)
    assert (NOT_COMPARED in signed) == (said == NOT_COMPARED)
    assert "It says something else than when it was made" not in signed
    kept = site.ledger.store.preparations.get(made.headers["location"].rpartition("/")[2])
    assert kept is not None
    recorded = table.STATEMENTS["directive"].record_all([(kept.envelope.to_json(), kept.opened)]).to_json()
    assert {each.partition(".")[0] for each in recorded["opened"]} == {"annex"}


def test_an_address_does_not_say_which_file_names_were_taken_from(staff: Reading) -> None:
    for path in ("/to-sign/new/directive", "/acts/directive.preview"):
        page = staff.get(f"{path}?_taken={DIGEST}&annexes=organization").text
        assert 'name="_taken" value=""' in page
        assert DIGEST not in page
