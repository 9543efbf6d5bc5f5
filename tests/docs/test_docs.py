"""What the docs say holds: examples verify, generated pages fit the code, links lead somewhere, and so on."""

import dataclasses
import itertools
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from sluicegate.core.access import feed, versions
from sluicegate.core.terms import deadlines, document, plan
from sluicegate_record import audit, snapshot
from sluicegate_record.log import acknowledgement, checkpoint, dsse, tiles
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.publickey import PublicKey, keyid
from sluicegate_record.statements.cases import (
    Position,
    Proceeding,
    Receipt,
    Referral,
    Schedule,
    Screening,
    Transcription,
)
from tools import commands, record, reference, screenshots

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
RECORD = DOCS / "record"
PAGES = sorted(page.relative_to(ROOT) for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def test_generated_pages_are_what_the_code_says():
    for name, text in reference.pages().items():
        assert (ROOT / "docs" / name).read_text() == text, f"docs/{name} is out of date: make docs"


def test_the_pages_of_the_command_line_show_what_its_commands_print(tmp_path):
    """In a process of its own: a command leaves its connection open, as it is about to end."""
    subprocess.run([sys.executable, "-m", "tools.reference", str(tmp_path)], cwd=ROOT, check=True)
    made = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.md")}
    for name in made:
        assert (ROOT / "docs" / name).read_text() == (tmp_path / name).read_text(), f"docs/{name}: make docs"
    kept = {path.relative_to(ROOT / "docs") for path in (ROOT / "docs/reference/commands").iterdir()}
    assert kept <= made


def test_the_pictures_are_those_that_pages_show():
    text = "".join((ROOT / page).read_text() for page in PAGES)
    shown = re.findall(r"!\[[^]]+\]\([^)]*pictures/([^)]+)\)", text)
    taken = [f"{name}-{width}.png" for name, width in screenshots.CHOSEN.items()]
    assert sorted(shown) == sorted(taken) == sorted(each.name for each in (DOCS / "pictures").iterdir())


def test_the_worked_plan_is_a_plan_that_uses_the_language():
    read = document.read(commands.worked_plan(), "plan.md")
    stage = plan.read(read).stages["trusted-partners"].to_json()
    Draft202012Validator(json.loads((ROOT / "docs/reference/plan.schema.json").read_text())).validate(
        read.value
    )
    page = (ROOT / "docs/reference/plan.md").read_text()
    *_, block = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    general = document.read(block, "plan.md").value
    whole = {**read.value, "spec": {**read.value["spec"], "stages": [*read.value["spec"]["stages"], general]}}
    assert plan.read(document.read(json.dumps(whole), "plan.md")).stages["general"].is_for_everyone
    assert stage.keys() | general.keys() == plan.WrittenStage.model_fields.keys()
    assert stage["admission"].keys() == plan.WrittenAdmission.model_fields.keys()
    assert stage["admission"]["clock"].keys() == deadlines.WrittenClock.model_fields.keys()
    assert stage["eligibility"].keys() == plan.WrittenEligibility.model_fields.keys()


@pytest.mark.parametrize(
    "kind", [Position, Referral, Schedule, Receipt, Screening, Proceeding, Transcription]
)
def test_the_page_of_statements_names_every_field_of_a_statement_in_a_case(kind):
    page = (ROOT / "docs/reference/entries.md").read_text()
    name = kind.TYPE.split(":")[2]
    (row,) = re.findall(rf"^\| `{name}` \|(.*)\|$", page, re.MULTILINE)
    fields = {each.name for each in dataclasses.fields(kind)} - {"signed_at_ms", "unknown"}
    assert {field for field in fields if not re.search(rf"\b{field}\b", row)} == set()
    assert "`signedAt`" in page


def test_the_record_is_what_the_product_makes():
    with tempfile.TemporaryDirectory() as scratch:
        example = record.Example(Path(scratch), ROOT / "examples")
        for name, data in example.files():
            assert (RECORD / name).read_bytes() == data, f"docs/record/{name} is out of date: make docs"


def test_the_small_ledger_verifies_with_its_key_alone():
    ledger = RECORD / "ledger"
    verifier = checkpoint.parse_vkey((ledger / "vkey").read_text().strip())
    note = (ledger / "checkpoint").read_bytes()
    size = checkpoint.open_checkpoint(note, verifier).size
    bundles = [(ledger / path).read_bytes() for path, _ in tiles.entries_paths(size)]
    leaves = [leaf for bundle in bundles for leaf in tiles.decode_entries(bundle)]
    assert audit.audit(note, verifier, leaves).ok
    altered = [*leaves[:-1], leaves[-1].replace(b"grant_", b"grunt_")]
    assert not audit.audit(note, verifier, altered).ok


def test_the_signed_position_verifies_with_the_agencys_key():
    envelope = Envelope.from_json(json.loads((RECORD / "position.json").read_text()))
    public = record.key_of("ostp").public_key().public_bytes_raw()
    assert dsse.verify(envelope, {keyid(public): PublicKey(public)}) == {keyid(public)}
    assert Position.read(envelope).agency == "ostp"


def test_the_poll_verifies_with_the_logs_key():
    poll = json.loads((RECORD / "poll.json").read_text())
    verifier = checkpoint.parse_vkey((RECORD / "ledger/vkey").read_text().strip())
    answer = feed.open_answer(json.dumps(poll["answer"]).encode(), poll["question"], verifier)
    assert poll["answer"]["certificate"]["stated"]["feed"] == "feed-1"
    assert answer.size == len(answer.entries)
    assert answer.lease_ms == 5_000
    signed = acknowledgement.read(poll["question"])
    assert signed is not None
    assert signed.key == record.key_of("run of gateway-1").public_key().public_bytes_raw()


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("cut-openai.txt", b'data: {"error":{'),
        ("cut-responses.txt", b'event: error\ndata: {"type":"error",'),
        ("cut-anthropic.txt", b'event: error\ndata: {"type":"error",'),
    ],
)
def test_a_cut_stream_ends_with_an_error_and_no_end(name, event):
    raw = (RECORD / name).read_bytes()
    last = raw.rstrip(b"\r\n").rpartition(b"\r\n")[2]
    assert last.startswith(event)
    assert b'"reason":"directive_in_force"' in last
    assert b"\r\n0\r\n" not in raw
    assert b"[DONE]" not in raw


def test_the_schema_accepts_the_examples_and_refuses_an_empty_rule():
    validator = Draft202012Validator(json.loads((ROOT / "docs/reference/plan.schema.json").read_text()))
    for path in (ROOT / "examples").glob("gpt-*.yaml"):
        read = document.read(path.read_bytes(), path.name)
        plan.read(read)
        validator.validate(read.value)
        read.value["spec"]["stages"][0]["admission"]["grant"] = {"allOf": []}
        assert not validator.is_valid(read.value)


@pytest.mark.parametrize(("table", "newest"), [("fold", versions.FOLD_VERSION), ("form", snapshot.VERSION)])
def test_every_version_says_what_brought_it(table, newest):
    text = (ROOT / "docs" / "architecture.md").read_text()
    rows = re.search(rf"^\| {table} \| .*\n\|---\|---\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    first = versions.OLDEST_FOLD_VERSION + 1 if table == "fold" else 2
    assert rows is not None
    said = [int(number) for row in rows[1].splitlines() for number in row.split("|")[1].split(",")]
    assert said == list(range(first, newest + 1))


def test_each_room_stands_in_one_row_of_the_tables_of_rooms():
    text = (DOCS / "architecture.md").read_text()
    tables = re.findall(r"^\| room \|.*\n\|[-|]+\n((?:\|.*\n)+)", text, re.MULTILINE)
    assert len(tables) == 2
    for table in tables:
        rooms = [room for row in table.splitlines() for room in re.findall(r"`([^`]+)`", row.split("|")[1])]
        assert {room for room in rooms if rooms.count(room) > 1} == set()


def test_no_line_of_the_changelog_begins_another():
    lines = sorted((ROOT / "CHANGELOG.md").read_text().splitlines())
    said = [line for line in lines if line and not line.startswith("#")]
    assert [one for one, following in itertools.pairwise(said) if following.startswith(one)] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        if not target.startswith("http"):
            assert (ROOT / page).parent.joinpath(target).exists(), f"{page}: {target}"


def test_the_tests_that_show_what_is_promised_are_there():
    page = (ROOT / "docs/security.md").read_text()
    named = re.findall(r"`(tests/[^`]+)`", page)
    assert len(named) > 15
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_an_index_leads_to_every_page_that_is_not_a_decision():
    linked = {
        (index.parent / link).resolve()
        for index in (DOCS / "README.md", ROOT / "README.md")
        for link in re.findall(r"\]\(([^)#]+\.md)[^)]*\)", index.read_text())
    }
    pages = [*DOCS.glob("*.md"), *(DOCS / "how-to").glob("*.md"), *(DOCS / "reference").glob("*.md")]
    assert {page.resolve() for page in pages} <= linked


def test_the_index_of_decisions_has_each_once_in_the_order_of_their_numbers():
    index = (DOCS / "adr/README.md").read_text()
    rows = re.findall(r"^(\d+)\. \[.*\]\((.*)\)$", index, re.MULTILINE)
    assert [name for _, name in rows] == sorted(page.name for page in (DOCS / "adr").glob("0*.md"))
    assert [int(number) for number, _ in rows] == [int(name[:4]) for _, name in rows]


def test_no_how_to_says_where_the_program_is_installed():
    for page in (DOCS / "how-to").glob("*.md"):
        assert ".venv/bin" not in page.read_text(), page.name
        assert "python -m sluicegate " not in page.read_text(), page.name
