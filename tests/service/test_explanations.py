"""Why a key may use a model: who may ask, at which size, and what proves it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from functools import partial

import pytest

from sluicegate.acts import credentials, early_access, explanations, grants, imports, licences, members
from sluicegate.acts.members import MemberRow
from sluicegate.core.access.decision import Allow, Ask, Instant, decide
from sluicegate.core.lifecycle import State
from sluicegate.core.people.persons import identifier
from sluicegate.errors import BadProof, InvalidInput, Overloaded
from sluicegate.pace import Pace
from sluicegate.service.replays import Replays
from sluicegate_record import excerpt
from sluicegate_record.log import checkpoint, times
from tests.plane import Plane, no, yes
from tests.worlds import API, CODEX, DAY_MS, MODEL, plan_value

ALICE = identifier("alice@example.com")
FIRST, SECOND = "imp_" + "a" * 16, "imp_" + "b" * 16


@pytest.fixture
def plane() -> Plane:
    plane = Plane()
    plane.opened()
    return plane


@pytest.fixture
def key(plane) -> str:
    return str(plane.credential(plane.admit()).credential)


def explain(plane, key, who="applicant", model=MODEL, **more):
    return plane.do(who, explanations.EXPLAIN, credential=key, model=model, **more)


def layer(found, name):
    return next(each for each in found.because if each.what == name)


def test_the_staff_ask_about_any_key_and_a_customer_about_its_own(plane, key):
    assert yes(explain(plane, key)).allowed
    assert yes(explain(plane, key, "developer")).allowed
    refused, missing = explain(plane, key, "rival"), explain(plane, "cred_nothing", "rival")
    assert no(refused) == "credential_unknown"
    assert repr(refused).replace(key, "cred_nothing") == repr(missing)
    assert explanations.EXPLAIN.roles == {"developer", "applicant"}


def test_a_model_that_is_not_announced_is_none_to_who_is_not_admitted(plane, key):
    plane.opened(plan_value("secret", models=["gpt-6"], announced=False, onRefusal={"fallbackModel": MODEL}))
    plane.direct("d-9", models=["gpt-6"])
    hidden, missing = (yes(explain(plane, key, model=model)) for model in ("gpt-6", "gpt-7"))
    assert repr(hidden).replace("gpt-6", "gpt-7") == repr(missing)
    assert "secret" not in repr(hidden)
    assert layer(yes(explain(plane, key, "developer", "gpt-6")), "model").reason == "model_not_found"


def test_a_refusal_is_explained_at_the_size_that_it_states(plane, key):
    before = plane.size
    plane.direct("d-1", ["Example Utility"])
    directed = plane.size
    grant = yes(plane.do("developer", credentials.SHOW, credential=key)).grant
    yes(plane.do("developer", grants.SUSPEND, grant=grant, code="misuse"))
    now = yes(explain(plane, key))
    assert (now.reason, now.status, now.size) == ("directive_in_force", 451, plane.size)
    assert layer(now, "grant").reason == "grant_suspended"
    then = yes(explain(plane, key, at=directed))
    assert (then.reason, then.size) == ("directive_in_force", directed)
    assert layer(then, "grant").state == "allows"
    first = yes(explain(plane, key, at=before))
    assert (first.allowed, first.size, first.reason) == (True, before, None)
    assert all(each.seq < before for each in first.entries)
    assert no(explain(plane, key, at=plane.size + 1)) == "size_unknown"
    assert no(explain(plane, key, at=5)) == "credential_unknown"


def test_at_each_size_the_answer_is_that_of_the_table_then(plane, key):
    plane.direct("d-1", ["Example Utility"])
    yes(plane.do("applicant", credentials.REVOKE, credential=key))
    entries = plane.store.log.entries(0, plane.size)
    state = State()
    for entry in entries:
        state.apply(entry)
        if key not in state.table.credentials_by_id:
            continue
        found = yes(explain(plane, key, at=state.size))
        digest = hashlib.sha256(b"key").digest()
        decided = decide(Ask(digest, MODEL, API), state.table, Instant(state.at_ms, state.at_ms))
        assert found.allowed is isinstance(decided, Allow)
        assert found.reason == (None if isinstance(decided, Allow) else decided.reason.value)
        assert found.at_ms == state.at_ms


def test_who_a_licence_excepts_reads_which_directive_suspends_and_until_when(plane, key):
    yes(plane.direct("d-1"))
    yes(plane.direct("d-2", surfaces=[CODEX]))
    grant = yes(plane.do("developer", credentials.SHOW, credential=key)).grant
    case = yes(plane.do("applicant", licences.REQUEST, directive="d-1", grant=grant)).case
    assert not yes(explain(plane, key)).allowed
    plane.say(case, "oncd")
    (licence,) = yes(plane.do("developer", licences.LIST, directive="d-1")).licences
    found = yes(explain(plane, key))
    because = layer(found, "directive")
    assert (found.allowed, because.state) == (True, "allows")
    assert because.text == (
        f"d-1 suspends it; licence {licence.licence} excepts this key as long as it is in force; "
        "no other directive suspends it"
    )
    said = [each.text for each in found.entries if each.seq in because.entries]
    assert f"licence {licence.licence} from directive d-1 for grant {grant}" in said
    assert any(each.startswith("directive d-1 of oncd: suspend") for each in said)


def test_the_entries_are_proven_by_the_record_alone(plane, key):
    plane.direct("d-1", ["Example Utility"])
    found = yes(explain(plane, key))
    text = json.dumps(found.to_json(), indent=2)
    verifier = checkpoint.parse_vkey(plane.ledger.vkey())
    checked = excerpt.verify(json.loads(text), verifier)
    assert checked.head.size == plane.size
    assert [each.seq for each in checked.entries] == [each.seq for each in found.entries]
    assert {each.type for each in checked.entries} >= {
        *("release.applied", "stage.opened", "position.recorded", "grant.approved"),
        *("credential.issued", "directive.issued"),
    }
    lying = found.to_json()
    lying["entries"][0]["leaf"] = lying["entries"][0]["leaf"].replace("gpt-5.6", "gpt-5.7")
    with pytest.raises(BadProof):
        excerpt.verify(lying, verifier)
    named = {seq for each in found.because for seq in each.entries}
    assert named <= {each.seq for each in found.entries}


def test_a_member_is_for_who_looks_after_the_members(plane, key):
    grant = yes(plane.do("developer", credentials.SHOW, credential=key)).grant
    yes(plane.do("applicant", members.REGISTER, grant=grant, rows=(MemberRow(identifiers=(ALICE,)),)))
    plane.direct("d-1", ["Example Utility"], action="restrict", conditions={"personNamed": True})
    assert yes(explain(plane, key)).reason == "person_required"
    assert yes(explain(plane, key, person=ALICE)).allowed
    assert yes(explain(plane, key, person=identifier("mallory"))).reason == "person_required"
    assert no(explain(plane, key, "developer", person=ALICE)) == "not_administrator"


def test_an_api_key_is_no_credential_and_is_not_repeated(plane):
    with pytest.raises(InvalidInput) as caught:
        explain(plane, "sg_" + "A" * 49)
    assert "AAA" not in caught.value.message


def test_another_surface_and_another_model_are_those_that_are_asked_about(plane, key):
    assert yes(explain(plane, key, surface=CODEX)).reason == "surface_not_granted"
    assert yes(explain(plane, key, model="gpt-9")).reason == "model_not_found"


def test_a_key_of_an_import_is_explained_before_and_after_it_counts(plane):
    grant = plane.admit()
    rows = "\n".join(f"{hashlib.sha256(name.encode()).hexdigest()},{grant},," for name in ("a", "b"))
    text = f"sha256,grant,label,expires\n{rows}"
    done = yes(plane.do("developer", imports.IMPORT, name=FIRST, part=0, text=text))
    assert done is not None
    waits = yes(explain(plane, f"{FIRST}.1"))
    assert (waits.reason, layer(waits, "grant").state) == ("credential_unknown", "allows")
    assert FIRST in layer(waits, "credential").text
    assert "completes the import" in layer(waits, "credential").would_change
    yes(plane.do("developer", imports.DISCARD, name=FIRST))
    again = yes(plane.do("developer", imports.IMPORT, name=SECOND, part=0, text=text))
    assert again is not None
    assert no(explain(plane, f"{FIRST}.1")) == "credential_discarded"
    assert yes(explain(plane, f"{SECOND}.0")).reason == "credential_unknown"


def test_a_key_that_has_expired_says_so(plane):
    grant = plane.admit()
    expires = times.format_time(plane.wall.at_ms + DAY_MS)[:10]
    issued = plane.do(
        "applicant", credentials.ISSUE, grant=grant, digest=hashlib.sha256(b"x").hexdigest(), expires=expires
    )
    plane.wall.at_ms += 2 * DAY_MS
    found = yes(explain(plane, yes(issued).credential))
    assert found.reason == "credential_expired"
    assert "credential issue" in layer(found, "credential").would_change


def test_a_surface_that_no_one_offers_is_named_with_those_that_are_offered(plane, key):
    refused = explain(plane, key, surface="fax")
    assert (no(refused), "no surface 'fax', expected one of api, codex" in repr(refused)) == (
        "surface_unknown",
        True,
    )
    assert no(explain(plane, key, surface="fax", at=plane.size)) == "surface_unknown"
    plane.opened(plan_value("secret", models=["gpt-6"], announced=False))
    hidden, missing = (yes(explain(plane, key, model=each, surface="fax")) for each in ("gpt-6", "gpt-7"))
    assert repr(hidden).replace("gpt-6", "gpt-7") == repr(missing)
    assert no(explain(plane, key, "developer", "gpt-6", surface="fax")) == "surface_unknown"


def test_a_layer_that_lets_a_request_through_warns_of_nothing(plane, key):
    assert layer(yes(explain(plane, key)), "deployment").text == "no statement of what serves it is asked for"


def accesses(plane):
    """How many entries concern who could use a model."""
    with plane.ledger.reading() as state:
        return len(state.trail.of_access(state.table.held))


def test_each_caller_has_a_pace_by_what_its_answers_cost(plane, key):
    clock = [0.0]
    pace = Pace(1, plane.size + accesses(plane), lambda: clock[0])
    plane.services = replace(plane.services, replays=Replays(pace=pace))
    listed = partial(plane.do, "applicant", early_access.LIST, of=MODEL)
    assert yes(explain(plane, key, at=plane.size)).allowed
    assert yes(listed()).organizations == 1
    for again in (listed, partial(explain, plane, key, at=plane.size)):
        with pytest.raises(Overloaded, match="looked through for you too often") as caught:
            again()
        costs = accesses(plane) if again is listed else plane.size
        assert (caught.value.code, caught.value.retry_after_s) == ("too_many_requests", costs)
    assert yes(explain(plane, key)).allowed  # as it is now costs nothing
    assert yes(explain(plane, key, "developer", at=plane.size)).allowed
    clock[0] += plane.size * 1_000
    assert yes(explain(plane, key, at=plane.size)).allowed


def test_an_earlier_size_is_made_one_at_a_time_and_within_a_bound(plane, key):
    services = plane.services
    plane.services = replace(services, replays=Replays(most=plane.size - 1))
    assert no(explain(plane, key, at=plane.size)) == "replay_too_long"
    busy = Replays()
    plane.services = replace(services, replays=busy)
    with busy._locks["applicant"], pytest.raises(Overloaded):
        explain(plane, key, at=plane.size)
    with busy._locks["applicant"]:
        assert yes(explain(plane, key, "developer", at=plane.size)).allowed
    assert yes(explain(plane, key, at=plane.size)).allowed
