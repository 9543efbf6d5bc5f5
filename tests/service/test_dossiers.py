"""Dossiers of a key at a moment, and of findings: what they say, and every lie that the record finds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from sluicegate.acts import deployments, dossiers, explanations, grants, releases
from sluicegate.client import signing
from sluicegate.errors import InvalidInput, SluicegateError
from sluicegate.statements.stages import DEPLOYMENT, DeploymentWord
from sluicegate_record import __main__ as command
from sluicegate_record import dossier, excerpt
from sluicegate_record.form import shape_of
from sluicegate_record.log import canonical, checkpoint, dsse, times
from sluicegate_record.log.dsse import Envelope
from sluicegate_record.statements.findings import ASKS, REPORTS
from tests.plane import Plane, no, yes
from tests.service.test_early_access import applied, later
from tests.service.test_findings import says
from tests.worlds import (
    DAY_MS,
    MODEL,
    OFFICER,
    RELEASE,
    STAGE,
    digest,
    opening,
    plan_value,
    private_key,
    stage,
)


@pytest.fixture
def plane() -> Plane:
    plane = Plane()
    plane.opened()
    return plane


@pytest.fixture
def key(plane) -> str:
    return str(plane.credential(plane.admit(organization=applied())).credential)


def made(plane: Plane, key: str, **more: Any) -> Any:
    found = yes(plane.do("developer", dossiers.MAKE, credential=key, model=MODEL, **more))
    return json.loads(json.dumps(found.to_json()))


def checked(plane: Plane, value: Any) -> Any:
    """A dossier that was verified: of a key or of a finding."""
    return dossier.verify(value, checkpoint.parse_vkey(plane.ledger.vkey()))


def test_a_dossier_says_under_what_a_key_was_and_what_has_happened_since(plane, key):
    plane.admit("rival", organization=applied("Example Grid"))
    plane.direct("d-1", ["Example Grid"])
    size, at_ms = plane.size, plane.wall.at_ms
    later(plane, 1)
    with plane.ledger.reading() as state:
        (grant,) = (each for each in state.grants.values() if each.id == state.grant_of(key))
    yes(plane.do("developer", grants.SUSPEND, grant=grant.id, code="misuse"))
    later(plane, 1)
    said = checked(plane, made(plane, key, at=size)).said
    assert (said.size, said.allowed, said.reason, said.at_ms) == (size, True, None, at_ms)
    assert (said.organization, said.purpose) == ("Example Utility", "defence of the grid")
    assert said.grant is not None
    assert (said.grant.grant, said.grant.release, said.grant.stage) == (grant.id, RELEASE, STAGE)
    assert said.grant.conditions.requests_per_minute == 600
    assert [(each.agency, each.position) for each in said.positions] == [
        ("oncd", "approve"),
        ("ostp", "approve"),
    ]
    assert [(each.directive, each.issuer, each.basis) for each in said.directives] == [
        ("d-1", "oncd", "order")
    ]
    assert said.served is not None
    assert (said.served.digest, said.served.safeguards) == (digest(MODEL), digest("safe"))
    assert (said.shared.then, said.shared.now) == (1, 0)
    assert [(each.state, each.from_ms - at_ms, each.until_ms) for each in said.since] == [
        ("held", 0, at_ms + DAY_MS),
        ("grant_suspended", DAY_MS, None),
    ]
    assert {each.what: each.state for each in said.layers}["grant"] == "allows"
    assert said.basis is not None
    assert said.basis.kind == "voluntary"


def test_without_a_size_it_is_of_the_log_as_it_is_now(plane, key):
    plane.direct("d-1", ["Example Utility"])
    said = checked(plane, made(plane, key)).said
    assert (said.size, said.allowed, said.reason) == (plane.size, False, "directive_in_force")


def test_a_grant_that_went_on_as_part_of_another_stage_is_what_the_entry_that_moved_it_says(plane, key):
    conditions = {"requestsPerMinute": 60, "validFor": "P30D"}
    partners = stage("partners", grants={STAGE: {"become": "partners"}}, conditions=conditions)
    for asked in plane.apply(plan_value(stages=[partners])).to_agree:
        for agency in asked.awaiting:
            plane.say(asked.case, agency)
    with plane.ledger.reading() as state:
        envelope = opening(state, RELEASE, "partners")
    yes(plane.do("developer", releases.OPEN, envelope=envelope.to_json()))
    plane.ledger.tick()
    found = checked(plane, made(plane, key))
    assert found.said.grant is not None
    assert (found.said.grant.stage, found.said.grant.conditions.requests_per_minute) == ("partners", 60)
    assert "grant.moved" in [each.type for each in found.excerpt.entries]


def test_only_the_staff_make_one(plane, key):
    assert dossiers.MAKE.roles == {"developer"}
    assert (
        no(plane.do("developer", dossiers.MAKE, credential="cred_none", model=MODEL)) == "credential_unknown"
    )
    assert no(plane.do("developer", dossiers.MAKE, credential=key, model=MODEL, at=999)) == "size_unknown"
    with pytest.raises(InvalidInput):
        plane.do("developer", dossiers.MAKE, credential=key, model=MODEL, person=bytes(16))


def test_a_model_that_there_is_not_has_a_dossier_that_says_so(plane, key):
    found = yes(plane.do("developer", dossiers.MAKE, credential=key, model="gpt-9"))
    said = checked(plane, json.loads(json.dumps(found.to_json()))).said
    assert (said.allowed, said.reason, said.shared.now) == (False, "model_not_found", 0)


def test_its_file_is_an_excerpt_too(plane, key):
    value = made(plane, key)
    assert excerpt.verify(value, checkpoint.parse_vkey(plane.ledger.vkey())).entries


def resigned(value: Any, change: Callable[[Any], None], signer: str = "log") -> None:
    """Change what is signed, and sign it again."""
    whole: Any = canonical.loads(Envelope.from_json(value["dossier"]).payload)
    change(whole["predicate"])
    made = dsse.sign(dsse.PAYLOAD_TYPE_INTOTO, canonical.dumps(whole), private_key(signer))
    value["dossier"] = made.to_json()


def _position(said: Any) -> None:
    said["positions"][0]["position"] = "object"


def _agency(said: Any) -> None:
    said["positions"][0]["agency"] = "caisi"


def _place(said: Any) -> None:
    said["positions"][0]["seq"] = 3


def _grant(said: Any) -> None:
    said["grant"]["stage"] = "general"


def _terms(said: Any) -> None:
    said["grant"]["terms"] = digest("other")


def _conditions(said: Any) -> None:
    said["grant"]["conditions"] = {}


def _no_grant(said: Any) -> None:
    said["grant"]["grant"] = "grant_other"


def _directive(said: Any) -> None:
    said["directives"][0]["issuer"] = "ostp"


def _log(said: Any) -> None:
    said["log"] = "log.other" + said["log"][9:]


def _entries(said: Any) -> None:
    said["entries"].pop()


def _nothing(said: Any) -> None:
    assert said


@pytest.mark.parametrize(
    "change",
    [_position, _agency, _place, _grant, _terms, _conditions, _no_grant, _directive, _log, _entries],
)
def test_what_the_entries_do_not_say_is_found_though_the_log_signed_it(plane, key, change):
    plane.direct("d-1", ["Example Utility"])
    value = made(plane, key)
    resigned(value, _nothing)
    assert checked(plane, value).said.directives
    resigned(value, change)
    with pytest.raises(SluicegateError):
        checked(plane, value)


def test_what_another_key_signed_and_what_is_left_out_is_refused(plane, key):
    value = made(plane, key)
    resigned(value, _nothing, "another")
    with pytest.raises(SluicegateError):
        checked(plane, value)
    whole = made(plane, key)
    for part in ("dossier", "checkpoint", "entries"):
        lacking: Mapping[str, Any] = {name: each for name, each in whole.items() if name != part}
        with pytest.raises(SluicegateError):
            checked(plane, lacking)
    short = {**whole, "entries": whole["entries"][1:]}
    with pytest.raises(SluicegateError):
        checked(plane, short)


def test_the_auditors_command_checks_a_file(plane, key, tmp_path, capsys):
    file = tmp_path / "dossier.json"
    file.write_text(json.dumps(made(plane, key), indent=2))
    assert command.main(["dossier", str(file), "--key", plane.ledger.vkey()]) == 0
    said = capsys.readouterr().out
    assert "oncd: approve" in said
    assert "by the control plane's word alone:" in said
    assert command.main(["dossier", str(file), "--key", plane.ledger.vkey(), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["dossier"]["credential"] == key
    found = yes(plane.do("developer", explanations.EXPLAIN, credential=key, model=MODEL))
    file.write_text(json.dumps(found.to_json()))
    assert command.main(["dossier", str(file), "--key", plane.ledger.vkey()]) == command.NOT_A_LOG


def attested(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have an officer sign what serves the release. The digest of the statement."""
    monkeypatch.setenv("SLUICEGATE_SIGNED_AT", times.format_time(plane.wall.at_ms))
    asked = yes(plane.do("developer", deployments.SHOW, release=RELEASE))
    said = DeploymentWord(release=RELEASE, until_ms=plane.wall.at_ms + DAY_MS)
    envelope = signing.for_record(signing.made(DEPLOYMENT, asked, said), private_key(OFFICER))
    return str(yes(plane.do("developer", deployments.ATTEST, envelope=envelope)).deployment)


def test_it_has_the_statement_of_deployment_and_whether_it_was_in_force(plane, key, monkeypatch):
    assert checked(plane, made(plane, key)).said.deployment is None
    name, size = attested(plane, monkeypatch), plane.size
    found = checked(plane, made(plane, key, at=size)).said.deployment
    assert found is not None
    assert (found.digest, found.holds, found.officer) == (name, True, OFFICER)
    (served,) = found.serves
    assert (served.model, served.digest, served.safeguards) == (MODEL, digest(MODEL), digest("safe"))
    later(plane, 2)
    plane.direct("d-2", ["Example Utility"])
    found = checked(plane, made(plane, key)).said.deployment
    assert found is not None
    assert (found.digest, found.holds) == (name, False)


REQUEST = "sha256:" + "a" * 64


def of_request(plane: Plane, key: str, **more: Any) -> Any:
    with plane.ledger.reading() as state:
        grant = state.grant_of(key)
    said = {"request": REQUEST, "requestGrant": grant, "requestOutcome": "answered", "at": plane.size}
    return plane.do("developer", dossiers.MAKE, **_named(key, {**said, "requestAt": AT, **more}))


AT = times.format_time(1_782_000_000_000)


def _named(key: str, said: Mapping[str, Any]) -> Any:
    value = {"credential": key, "model": MODEL, **{name: each for name, each in said.items() if each}}
    return {field.name: getattr(dossiers.DossierQuestion.from_json(value), field.name) for field in FIELDS}


FIELDS = [each for each in shape_of(dossiers.DossierQuestion).fields if each.name != "person"]


def test_it_says_which_request_it_is_about_by_the_digest_of_its_id(plane, key):
    value = json.loads(json.dumps(yes(of_request(plane, key)).to_json()))
    found = checked(plane, value).said.request
    assert (found.digest, found.outcome, times.format_time(found.at_ms)) == (REQUEST, "answered", AT)
    for lacking in ("requestGrant", "requestOutcome", "requestAt", "at"):
        with pytest.raises(InvalidInput):
            of_request(plane, key, **{lacking: None})
    assert no(of_request(plane, key, requestGrant="grant_none")) == "grant_unknown"


# Of findings


@pytest.fixture
def reporting(plane, monkeypatch) -> Callable[..., str]:
    def report(by: str, word: str, **said: Any) -> str:
        monkeypatch.setenv("SLUICEGATE_SIGNED_AT", times.format_time(plane.wall.at_ms))
        return str(yes(says(plane, by, word, **said)).finding)

    return report


def of_finding(plane: Plane, finding: str, **more: Any) -> Any:
    found = yes(plane.do("developer", dossiers.OF_FINDING, finding=finding, **more))
    return json.loads(json.dumps(found.to_json()))


MISUSE = {"kind": "misuse", "model": None, "tested": None}


def test_a_dossier_of_a_weakness_says_whom_it_concerns_and_what_was_said(plane, key, reporting, monkeypatch):
    plane.admit("rival", organization=applied("Example Grid"))
    plane.direct("d-1", ["Example Grid"])
    attested(plane, monkeypatch)
    name = reporting("caisi", REPORTS)
    size, at_ms = plane.size, plane.wall.at_ms
    later(plane, 1)
    reporting("developer", ASKS, finding=name)
    with plane.ledger.reading() as state:
        grant = state.grant_of(key)
    yes(plane.do("developer", grants.SUSPEND, grant=grant, code="misuse"))
    said = checked(plane, of_finding(plane, name)).said
    assert (said.size, said.at_ms, said.finding.finding, said.finding.state) == (size, at_ms, name, "asked")
    assert [each.says for each in said.finding.said] == [ASKS]
    names = {each.organization: each for each in said.holders}
    assert names.keys() == {"Example Utility", "Example Grid"}
    own = names["Example Utility"]
    assert [(each.agency, each.position) for each in own.positions] == [
        ("oncd", "approve"),
        ("ostp", "approve"),
    ]
    assert [(each.state, each.from_ms - at_ms) for each in own.since] == [
        ("held", 0),
        ("grant_suspended", DAY_MS),
    ]
    assert {each.state for each in names["Example Grid"].since} == {"directive_in_force"}
    assert [each.directive for each in said.directives] == ["d-1"]
    assert said.deployment is not None
    assert (said.shared.then, said.shared.now, said.more, said.accounts) == (1, 0, 0, 0)
    now = {
        each.organization: each
        for each in checked(plane, of_finding(plane, name, at=plane.size)).said.holders
    }
    assert [each.state for each in now["Example Utility"].since] == ["grant_suspended"]


def test_a_dossier_of_a_misuse_has_its_grant_alone(plane, key, reporting):
    plane.admit("rival", organization=applied("Example Grid"))
    with plane.ledger.reading() as state:
        grant = state.grant_of(key)
    name = reporting("oncd", REPORTS, grant=grant, **MISUSE)
    said = checked(plane, of_finding(plane, name)).said
    assert [each.grant.grant for each in said.holders] == [grant]
    assert (said.finding.grant, said.served, said.shared.then) == (grant, None, 2)
    assert no(plane.do("developer", dossiers.OF_FINDING, finding=name, at=2)) == "grant_unknown"
    assert no(plane.do("developer", dossiers.OF_FINDING, finding=name, at=10_000)) == "size_unknown"
    assert no(plane.do("developer", dossiers.OF_FINDING, finding="finding_none")) == "finding_unknown"


def test_it_is_a_finding_of_before_the_time_of_anyone(plane, reporting):
    said = checked(plane, of_finding(plane, reporting("caisi", REPORTS))).said
    assert (said.holders, said.shared.then, said.deployment) == ((), 0, None)


def _level(said: Any) -> None:
    said["finding"]["level"] = "low"


def _text(said: Any) -> None:
    said["finding"]["text"] = "something else"


def _word(said: Any) -> None:
    said["finding"]["said"][0]["says"] = "disputes"


def _holder(said: Any) -> None:
    said["holders"][0]["grant"]["stage"] = "general"


def _holders_position(said: Any) -> None:
    said["holders"][0]["positions"][0]["agency"] = "caisi"


def _weights(said: Any) -> None:
    said["deployment"]["serves"][0]["safeguards"] = digest("other")


def _until(said: Any) -> None:
    said["deployment"]["until"] = "2027-06-26T21:21:00.000Z"


def _another_entry(said: Any) -> None:
    said["deployment"]["seq"] = said["finding"]["seq"]


@pytest.mark.parametrize(
    "change",
    [_level, _text, _word, _holder, _holders_position, _weights, _until, _another_entry, _log, _entries],
)
def test_what_the_entries_do_not_say_of_a_finding_is_found(plane, key, reporting, monkeypatch, change):
    attested(plane, monkeypatch)
    name = reporting("caisi", REPORTS)
    reporting("developer", ASKS, finding=name)
    value = of_finding(plane, name)
    resigned(value, _nothing)
    assert checked(plane, value).said.holders
    resigned(value, change)
    with pytest.raises(SluicegateError):
        checked(plane, value)


def test_nothing_sealed_is_in_a_dossier_and_the_auditors_command_shows_it(
    plane, key, reporting, tmp_path, capsys
):
    name = reporting("caisi", REPORTS, details="the way around", seal_to=["oncd"])
    file = tmp_path / "finding.json"
    file.write_text(json.dumps(of_finding(plane, name)))
    with plane.ledger.reading() as state:
        sealed = plane.ledger.store.log.sealed([state.record.findings[name].seq])
    for each in sealed.values():
        assert all(str(opening.value()) not in file.read_text() for opening in each.values())
    assert command.main(["dossier", str(file), "--key", plane.ledger.vkey()]) == 0
    said = capsys.readouterr().out
    assert f"{name}: jailbreak, high, by caisi" in said
    assert "Example Utility; defence of the grid" in said
    assert "oncd: approve" in said
