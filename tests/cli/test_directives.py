"""Directives as those who issue, transcribe and lift them meet them, by command line alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sluicegate_record.log import checkpoint, dsse, publickey
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.log.publickey import PublicKey
from tests.cli.commands import EXAMPLES, Plane, lying
from tests.cli.commands import plane as running_plane

RELEASE, STAGE, MODEL = "gpt-5.6", "trusted-partners", "gpt-5.6"
OFFICERS = ("release-officer", "second-officer")
DIRECTIVE = """\
apiVersion: sluicegate/v1
kind: Directive
metadata: {{name: {name}}}
spec:
  issuer: {issuer}
  basis: {{kind: order, authority: a letter}}
  action: {action}
  models: [gpt-5.6]
  surfaces: all
  covers: {covers}
{more}  reasons: {{form: verbal, summary: by telephone}}
"""
FOREIGN = "{persons: {definition: ear-foreign-person, unknown: covered}}"


@pytest.fixture(scope="module")
def plane(cli, tmp_path_factory) -> Iterator[Plane]:
    """A control plane with a stage that is open, and two organizations admitted with a key each."""
    with running_plane(cli, tmp_path_factory.mktemp("directives")) as made:
        for case in made.answer("apply", EXAMPLES / "gpt-5.6-preview.yaml")["cases"]:
            decided(made, case)
        made.answer("stage", "open", RELEASE, STAGE, "--key", made.key(OFFICERS[0]))
        for name in ("example-utility", "example-grid-operator"):
            admitted(made, EXAMPLES / f"{name}.yaml")
        yield made


def decided(plane: Plane, case: str) -> Any:
    said = None
    for agency in ("oncd", "ostp"):
        file, signed = plane.folder / "case.json", plane.folder / "said.json"
        plane.answer("review", "export", case, "-o", file, by=agency)
        sign = ("review", "sign", file, "--position", "approve", "--key", plane.key(agency), "-o", signed)
        plane.answer(*sign, by=agency)
        said = plane.answer("review", "import", signed, by=agency)
    return said


def admitted(plane: Plane, organization: Path) -> str:
    where = ("--release", RELEASE, "--stage", STAGE, "--surface", "api", "--organization", organization)
    case = plane.answer("application", "submit", *where)["application"]
    decided(plane, case)
    grant = str(plane.answer("application", "show", case)["grant"]["grant"])
    plane.answer("credential", "issue", "--grant", grant)
    return grant


def written(plane: Plane, name: str, covers: str = FOREIGN, **fields: str) -> Path:
    file = plane.folder / f"{name}.yaml"
    given = {"issuer": "oncd", "action": "suspend", "more": "", **fields}
    file.write_text(DIRECTIVE.format(name=name, covers=covers, **given))
    return file


def annex(plane: Plane, *names: str) -> str:
    """An annex of organizations, as a directive states it."""
    data = "organization\n" + "".join(f'"{name}"\n' for name in names)
    (plane.folder / "annex-a.csv").write_text(data)
    digest = hashlib.sha256(data.encode()).hexdigest()
    return f'  annexes: {{annex-a: {{file: annex-a.csv, digest: "sha256:{digest}"}}}}\n'


def keys(plane: Plane, *owners: str) -> list[Any]:
    return [word for owner in owners for word in ("--key", plane.key(owner))]


def test_a_preview_counts_whom_it_covers_and_what_each_exception_spares(plane):
    more = "  except: {annexes: [annex-a]}\n" + annex(plane, "Example Utility", "Example Stranger")
    told = plane.answer("directive", "preview", written(plane, "d-preview", more=more))
    assert told["covered"] == {
        "organizations": 1, "members": 0, "credentials": 1, "streams": 0, "requests": 0
    }  # fmt: skip
    assert told["spared"]["credentials"] == 1
    assert told["exceptions"][0]["exception"] == "annexes/annex-a"
    assert told["exceptions"][0]["spares"]["credentials"] == 1
    assert told["unmatched"] == 1
    assert [each["why"] for each in told["unknown"]["settledBy"]] == ["not_named"]
    assert [each["name"] for each in told["organizations"]] == ["example grid operator"]
    assert plane.answer("directive", "list")["directives"] == []


def test_an_annex_that_is_not_the_one_meant_is_refused(plane):
    more = "  except: {annexes: [annex-a]}\n" + annex(plane, "Example Utility")
    file = written(plane, "d-annex", more=more)
    (plane.folder / "annex-a.csv").write_text('organization\n"Somebody Else"\n')
    assert plane.error("directive", "preview", file)["code"] == "digest_differs"
    (plane.folder / "annex-a.csv").unlink()
    assert "cannot be read" in plane.error("directive", "preview", file)["message"]


def test_an_order_by_letter_is_transcribed_by_two_officers_and_lifted_by_the_issuers_letter(plane):
    letter = plane.folder / "letter.txt"
    letter.write_text("an order")
    file = written(plane, "bis-1", issuer="bis")
    enter = ("directive", "transcribe", file, "--document", letter, "--on", "2026-06-12")
    assert plane.error(*enter, *keys(plane, OFFICERS[0]))["code"] == "one_officer"
    assert plane.error("directive", "issue", file, *keys(plane, "oncd"))["code"] == "party_unknown"
    entered = plane.answer(*enter, *keys(plane, *OFFICERS))
    assert entered["covered"]["credentials"] == 2
    shown = plane.answer("directive", "show", "bis-1", by=None)
    digest = hashlib.sha256(b"an order").hexdigest()
    assert shown["transcribed"] == {"how": "letter", "on": "2026-06-12", "digest": f"sha256:{digest}"}
    assert (shown["confirmed"], shown["officers"], entered["officers"]) == (False, [*OFFICERS], [*OFFICERS])
    wrote = f"written down by two officers ({', '.join(OFFICERS)}): letter of 2026-06-12"
    assert (
        f"issued by bis ({wrote}; its issuer has not confirmed it)" in plane("directive", "show", "bis-1").out
    )
    assert f"{wrote}; its issuer has not confirmed it" in plane("directive", "status", "bis-1").out
    told = plane("directive", "show", "bis-1").out
    assert "may be lifted by: bis" in told
    assert "exceptions from it are decided by: bis" in told
    assert "its document has the digest sha256:" in told
    assert "bis, transcribed" in plane("directive", "list").out
    lift = ("directive", "lift", "bis-1")
    assert plane.error(*lift, *keys(plane, "oncd"))["code"] == "invalid_input"  # it speaks for nobody asked
    once, twice = plane.folder / "lift-1.json", plane.folder / "lift-2.json"
    stated = (*lift, "--surface", "codex", "--document", letter)
    plane.answer(*stated, *keys(plane, OFFICERS[0]), "-o", once)
    assert plane.error(*lift, "--signed", once)["code"] == "one_officer"
    told = plane("directive", "countersign", once, *keys(plane, OFFICERS[1]), "-o", twice, by=None).out
    for line in ("agency: bis", "position: approve", "scope:", "  surfaces: codex"):
        assert f"  {line}\n" in told, told
    assert f"directive lift bis-1 --signed {twice}" in told
    assert plane.error("directive", "lift", "bis-2", "--signed", twice)["code"] == "usage"
    part = plane.answer(*lift, "--signed", twice)
    assert (part["lifted"], part["officers"]) == (True, [*OFFICERS])
    assert "is not public" not in (told := plane("case", "show", part["case"]).out)
    assert f"bis approve (written down by two officers ({', '.join(OFFICERS)}): letter of" in told
    assert "state: approved; two officers wrote for bis" in told
    assert "approved; two officers wrote for bis" in " ".join(plane("case", "list").out.split())
    shown = plane.answer("directive", "show", "bis-1")
    assert (shown["inForce"], shown["lifted"][0]["scope"]) == (True, {"surfaces": ["codex"]})
    assert plane.answer(*lift, "--note", "by telephone", *keys(plane, *OFFICERS))["lifted"] is True
    assert plane.answer("directive", "show", "bis-1")["inForce"] is False
    told = plane("directive", "show", "bis-1").out
    assert told.count("; two officers wrote for bis") == 2  # of the part, and of the whole
    assert "could be lifted by: bis" in told
    assert plane.error(*lift, "--note", "again", *keys(plane, *OFFICERS))["code"] == "directive_lifted"


def test_an_agency_directs_what_it_was_given_and_two_officers_the_rest(plane):
    """`caisi` is an agency of no release here. The trust file gives it one model."""
    plane.answer("apply", EXAMPLES / "gpt-5.5-trusted-access.yaml")
    file = written(plane, "caisi-1", issuer="caisi")
    assert "notDirected" not in plane.answer("directive", "preview", file)
    plane.answer("directive", "issue", file, *keys(plane, "caisi"))
    both = file.read_text().replace("[gpt-5.6]", "[gpt-5.6, gpt-5.5]").replace("caisi-1", "caisi-2")
    (plane.folder / "caisi-2.yaml").write_text(both)
    file = plane.folder / "caisi-2.yaml"
    assert plane.answer("directive", "preview", file)["notDirected"] == ["gpt-5.5"]
    assert "its issuer does not direct gpt-5.5 alone" in plane("directive", "preview", file).out
    refused = plane.error("directive", "issue", file, *keys(plane, "caisi"))
    said = "'caisi' does not direct gpt-5.5; it directs gpt-5.6"
    assert (refused["code"], refused["message"]) == ("not_directed", said)
    assert "directive transcribe" in refused["remedy"]
    enter = ("directive", "transcribe", file, "--note", "by telephone", "--how", "call")
    plane.answer(*enter, *keys(plane, *OFFICERS))
    plane.answer("directive", "confirm", "caisi-2", *keys(plane, "caisi"))
    for name in ("caisi-1", "caisi-2"):
        assert plane.answer("directive", "lift", name, *keys(plane, "caisi"))["lifted"] is True
    assert "gpt-5.6: oncd directs gpt-5.6; ostp directs gpt-5.6" in plane("status").out


def test_what_the_issuer_confirms_only_the_issuer_lifts(plane):
    file = written(plane, "oncd-1")
    plane.answer("directive", "transcribe", file, "--note", "a call", *keys(plane, *OFFICERS))
    assert plane.error("directive", "confirm", "oncd-1", *keys(plane, "ostp"))["code"] == (
        "key_of_another_party"
    )
    plane.answer("directive", "confirm", "oncd-1", *keys(plane, "oncd"))
    assert "; its issuer has confirmed it" in plane("directive", "status", "oncd-1").out
    assert plane.answer("directive", "status", "oncd-1")["confirmed"] is True
    assert plane.answer("directive", "show", "oncd-1")["confirmed"] is True
    lift = ("directive", "lift", "oncd-1")
    size = plane.answer("case", "list")["size"]
    assert plane.error(*lift, "--note", "a call", *keys(plane, *OFFICERS))["code"] == "not_transcribed"
    assert plane.answer("case", "list")["size"] == size, "a refused lift leaves nothing"
    assert plane.answer(*lift, *keys(plane, "oncd"))["lifted"] is True


def test_agencies_lift_one_after_the_other(plane):
    more = "  liftedBy: {allOf: [oncd, ostp]}\n"
    plane.answer("directive", "issue", written(plane, "both-1", more=more), *keys(plane, "oncd"))
    lift = ("directive", "lift", "both-1")
    assert plane.answer(*lift)["lifted"] is False
    assert plane.answer(*lift, *keys(plane, "oncd"))["lifted"] is False
    assert plane.answer("directive", "show", "both-1")["inForce"] is True
    assert plane.answer(*lift, *keys(plane, "ostp"))["lifted"] is True


def test_a_lift_that_was_not_asked_for_is_not_signed(plane):
    plane.answer("directive", "issue", written(plane, "asked-1"), *keys(plane, "oncd"))
    case, shown = plane.answer("directive", "lift", "asked-1")["case"], plane.folder / "shown.json"
    plane.answer("review", "export", case, "-o", shown)
    for meant in (("other-1",), ("asked-1", "--surface", "api")):
        answers = {"/lift/question": json.loads(shown.read_text())}
        with lying(answers) as (url, asked):
            said = plane.cli("directive", "lift", *meant, *keys(plane, "oncd"), "--json", url=url)
        assert "answered about 'asked-1'" in said.error["message"]
        assert asked[1:] == [f"/api/v1/directives/{meant[0]}/lift/question"]  # after the whole name
    plane.answer("directive", "lift", "asked-1", *keys(plane, "oncd"))


def test_a_directive_is_amended_alone_where_that_narrows_and_else_by_those_who_lift_it(plane):
    both = "  liftedBy: {allOf: [oncd, ostp]}\n"
    issue = ("directive", "issue")
    plane.answer(*issue, written(plane, "amend-1", more=both), *keys(plane, "oncd"))
    again = written(plane, "amend-1", "everyone", more=both)
    assert plane.error(*issue, again, *keys(plane, "oncd"))["code"] == "name_taken"
    again.write_text(again.read_text().replace("name: amend-1", "name: amend-1, replaces: amend-1"))
    plane.answer(*issue, again, *keys(plane, "oncd"))
    wider = written(plane, "amend-1", more=both)
    wider.write_text(wider.read_text().replace("name: amend-1", "name: amend-1, replaces: amend-1"))
    refused = plane.error(*issue, wider, *keys(plane, "oncd"))
    assert (refused["code"], "covers" in refused["message"]) == ("not_narrower", True)
    signed, both_signed = plane.folder / "signed.json", plane.folder / "both.json"
    plane.answer("directive", "sign", wider, "-o", signed, *keys(plane, "oncd"))
    plane.answer("review", "countersign", signed, "-o", both_signed, *keys(plane, "ostp"))
    plane.answer(*issue, both_signed)
    shown = plane.answer("directive", "show", "amend-1")
    assert [said["seq"] for said in shown["said"]] == sorted(said["seq"] for said in shown["said"])
    assert (len(shown["said"]), shown["covers"]["persons"]["statuses"]) == (3, ["other"])
    for agency in ("oncd", "ostp"):
        plane.answer("directive", "lift", "amend-1", *keys(plane, agency))


def test_words_of_an_order_are_defined_once_with_their_source(plane):
    define = ("definition", "add", "not-a-citizen", "--source", "an example statute")
    statuses = ("--status", "other", "--status", "us_permanent_resident")
    plane.answer(*define, *statuses)
    plane.answer(*define, *statuses)
    assert plane.error(*define, "--status", "other")["code"] == "name_taken"
    assert plane.error(*define, "--status", "martian")["code"] == "invalid_input"
    covers = "{persons: {definition: not-a-citizen}}"
    plane.answer("directive", "issue", written(plane, "words-1", covers), *keys(plane, "oncd"))
    document = plane.answer("directive", "show", "words-1")["document"]
    stated = document["spec"]["covers"]["persons"]
    assert stated["statuses"] == ["other", "us_permanent_resident"]
    assert stated["source"] == "an example statute"
    unknown = written(plane, "words-2", "{persons: {definition: nobody-said}}")
    assert plane.error("directive", "preview", unknown)["code"] == "definition_unknown"
    plane.answer("directive", "lift", "words-1", *keys(plane, "oncd"))


def test_what_this_build_lacks_is_refused_by_name(plane):
    told = plane.error("directive", "preview", written(plane, "tiers-1", "{tiers: [trusted]}"))
    assert "trusted-access tiers" in told["at"][0]["expected"]


def test_whoever_applied_sees_how_many_of_its_people_are_covered(plane):
    plane.answer("directive", "issue", written(plane, "own-1"), *keys(plane, "oncd"))
    told = plane("directive", "affected", "own-1")
    assert "of your organization, own-1 covers 2 organizations, 2 keys; it spares no one" in told.out
    assert "unknown (not named): 2 keys; to settle it, name the person" in told.out
    plane.answer("directive", "lift", "own-1", *keys(plane, "oncd"))
    assert plane.error("directive", "affected", "own-1")["code"] == "directive_lifted"


def test_a_drill_refuses_nobody_and_its_report_is_signed_once(plane):
    file, report = written(plane, "order-1", "everyone"), plane.folder / "report.json"
    told = plane.answer("drill", "run", file, "--name", "drill-1", "-o", report, *keys(plane, "oncd"))
    assert (told["drill"], told["gateways"]) == ("drill-1", [])
    assert min(told["timeToZeroMs"], told["timeToRestoreMs"]) >= 0
    assert plane.answer("drill", "report", "drill-1")["envelope"] == told["envelope"]
    assert told["envelope"] == json.loads(report.read_text())
    public = checkpoint.parse_vkey(plane.vkey).public
    assert dsse.verify(Envelope.from_json(told["envelope"]), {publickey.keyid(public): PublicKey(public)})
    assert plane.answer("directive", "show", "drill-1")["drill"] is True
    assert "drill, lifted" in plane("directive", "list").out
    assert "drill-1: over" in plane("directive", "status", "drill-1").out
    assert "drill-1: a drill, lifted" in plane("directive", "show", "drill-1").out
    assert plane.error("directive", "lift", "drill-1")["code"] == "directive_unknown"
    assert plane.error("drill", "report", "drill-2")["code"] == "drill_unknown"


def test_a_drill_leaves_the_orders_name_to_the_order(plane):
    file = written(plane, "tried-1", "everyone")
    told = plane.answer("drill", "run", file, *keys(plane, "oncd"))
    assert told["drill"].startswith("tried-1-drill-")
    assert plane.answer("directive", "issue", file, *keys(plane, "oncd"))["directive"] == "tried-1"
    plane.answer("directive", "lift", "tried-1", *keys(plane, "oncd"))
    long = written(plane, "l" + "o" * 62, "everyone")
    assert plane.answer("drill", "run", long, *keys(plane, "oncd"))["drill"].startswith("looo")


def test_status_without_a_name_lists_every_directive_with_its_state(plane):
    plane.answer("directive", "issue", written(plane, "named-later"), "--key", plane.key("oncd"), by="oncd")
    listed = plane("directive", "list", by="oncd")
    told = plane("directive", "status", by="oncd")
    assert (told.code, told.out) == (0, listed.out)
    (row,) = [line for line in told.out.splitlines() if line.startswith("named-later ")]
    assert "in force" in row
    assert plane.answer("directive", "status", by="oncd") == plane.answer("directive", "list", by="oncd")
    refused = plane.error("directive", "status", "--watch", by="oncd")
    assert (refused["message"], refused["remedy"]) == (
        "no directive is named to watch",
        "'sluicegate directive list' shows their names",
    )
