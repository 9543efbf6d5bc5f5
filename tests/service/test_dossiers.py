"""A dossier of a key at a moment: what it says, that the record verifies it, and every lie that it finds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from sluicegate.acts import dossiers, explanations, grants, releases
from sluicegate.errors import InvalidInput, SluicegateError
from sluicegate_record import __main__ as command
from sluicegate_record import dossier, excerpt
from sluicegate_record.log import canonical, checkpoint, dsse
from sluicegate_record.log.dsse import Envelope
from tests.plane import Plane, no, yes
from tests.service.test_early_access import applied, later
from tests.worlds import DAY_MS, MODEL, RELEASE, STAGE, digest, opening, plan_value, private_key, stage


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


def checked(plane: Plane, value: Any) -> dossier.Dossier:
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
