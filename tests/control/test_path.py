"""The whole path over HTTP, as clients send it: every answer has the shape that DESIGN 4.7 gives it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sluicegate_record.log import canonical, dsse
from sluicegate_record.statements.question import Question
from sluicegate_record.statements.releases import StageOpening
from tests import worlds
from tests.control.conftest import Plane
from tests.control.test_api import error_of
from tests.worlds import OFFICER, RELEASE, STAGE, plan_value, private_key

PLAN = json.dumps(plan_value())


class Party:
    """Somebody with a token, and perhaps a key."""

    def __init__(
        self, plane: Plane, role: str, name: str, party: str | None = None, signer: str = ""
    ) -> None:
        self.client = plane.client(plane.token(role, name, party))
        self.name, self.signer = name, signer or name

    def get(self, path: str) -> Any:
        response = self.client.get(path)
        assert response.status_code == 200, response.text
        return response.json()

    def post(self, path: str, body: Any = None) -> Any:
        response = self.client.post(path, json=body)
        assert response.status_code == 200, response.text
        return response.json()

    def refused(self, path: str, body: Any = None) -> tuple[int, str]:
        response = self.client.post(path, json=body)
        return response.status_code, error_of(response)["code"]

    def signed(self, payload: bytes) -> dict[str, Any]:
        return {"envelope": dsse.sign(dsse.PAYLOAD_TYPE_INTOTO, payload, private_key(self.signer)).to_json()}

    def decide(self, case: str, word: str = "approve") -> Any:
        """Export a case, sign a position on what was exported, put it on the record."""
        exported = self.get(f"/api/v1/cases/{case}/export")
        question, previous = Question.from_json(exported["question"]), exported["previous"].get(self.name)
        position = worlds.approval(question, self.name, position=word, previous=previous)
        return self.post("/api/v1/positions", self.signed(position.payload()))


def test_from_a_plan_to_a_directive_and_back(plane: Plane):
    staff = Party(plane, "developer", "developer", signer=OFFICER)
    oncd, ostp = (Party(plane, "agency", name, name) for name in ("oncd", "ostp"))
    applicant = Party(plane, "applicant", "example")

    applied = staff.post("/api/v1/releases", {"text": PLAN, "file": "plan.yaml"})
    assert applied.keys() >= {"release", "termsDigests", "size", "changes"}
    assert (applied["release"], applied["termsDigests"].keys()) == (RELEASE, {STAGE})

    opening = staff.get(f"/api/v1/releases/{RELEASE}/stages/{STAGE}/opening")
    assert opening.keys() == {"log", "release", "stage", "terms"}
    signed = staff.signed(StageOpening.from_json(opening).payload())
    assert staff.refused("/api/v1/releases/openings", signed) == (409, "terms_not_agreed")
    for agency in (oncd, ostp):
        assert agency.decide(applied["cases"][0]).keys() == {
            "case",
            "agency",
            "digest",
            "size",
            "determination",
        }
    assert staff.post("/api/v1/releases/openings", signed).keys() == {"release", "stage", "size"}

    asked = {
        "release": RELEASE,
        "stage": STAGE,
        "surface": "api",
        "organization": "name: Example Utility\nregisteredIn: US\n",
    }
    submitted = applicant.post("/api/v1/applications", asked)
    assert submitted.keys() == {"application", "state", "size"}
    case = submitted["application"]
    assert oncd.decide(case)["determination"] is None
    assert ostp.decide(case)["determination"] == "approved"
    shown = applicant.get(f"/api/v1/cases/{case}")
    assert shown.keys() >= {
        "application",
        "state",
        "stage",
        "surface",
        "positions",
        "determination",
        "awaiting",
        "grant",
    }
    grant = shown["grant"]["grant"]

    digest = hashlib.sha256(b"a key that its holder made").hexdigest()
    issued = applicant.post(f"/api/v1/grants/{grant}/credentials", {"digest": digest})
    assert issued.keys() == {"credential", "grant", "size"}

    names = ["Example Utility"]
    value = worlds.directive_value("d-1", covers={"organizations": names})
    told = oncd.post("/api/v1/directives/preview", {"text": json.dumps(value)})
    assert (told["covered"]["credentials"], told["spared"]["credentials"]) == (1, 0)
    opened = worlds.opened_names(names)
    value["spec"]["covers"] = worlds.committed(names)
    value["metadata"]["log"] = oncd.get("/api/v1/log")["vkey"]
    named = {worlds.COVERED: {"salt": canonical.b64(opened.salt), "value": names}}
    directed = oncd.post(
        "/api/v1/directives", {**oncd.signed(worlds.directive_payload(value)), "opened": named}
    )
    assert directed.keys() >= {"directive", "size", "acceptedAt", "covered"}
    assert directed["covered"] == told["covered"]
    status = oncd.get("/api/v1/directives/d-1/status")
    assert (status["directive"], status["inForce"], status["gateways"]) == ("d-1", True, [])
    assert ostp.get("/api/v1/directives")["directives"][0]["covers"] == worlds.committed(names)

    lift = oncd.post("/api/v1/directives/d-1/lift")
    assert lift.keys() == {"directive", "case", "size"}
    assert ostp.client.get(f"/api/v1/cases/{lift['case']}/export").status_code == 404
    assert oncd.decide(lift["case"])["determination"] == "approved"
    assert oncd.get("/api/v1/directives/d-1/status")["lifted"]

    revoked = applicant.post(f"/api/v1/credentials/{issued['credential']}/revoke")
    assert revoked.keys() == {"credential", "size"}
    sizes = [
        applied["size"],
        submitted["size"],
        issued["size"],
        directed["size"],
        lift["size"],
        revoked["size"],
    ]
    assert sizes == sorted(sizes)
    assert revoked["size"] == plane.ledger.size()
    for party in (staff, oncd, ostp, applicant):
        party.client.close()


def test_a_position_replayed_by_somebody_else_counts_for_whoever_signed_it(plane: Plane):
    """A token only carries: the developer's staff can hand a position in, and cannot make one."""
    staff = Party(plane, "developer", "developer", signer=OFFICER)
    oncd = Party(plane, "agency", "oncd", "oncd")
    case = staff.post("/api/v1/releases", {"text": PLAN})["cases"][0]
    exported = staff.get(f"/api/v1/cases/{case}/export")
    payload = worlds.approval(Question.from_json(exported["question"]), "oncd").payload()
    assert staff.refused("/api/v1/positions", staff.signed(payload)) == (403, "key_of_another_party")
    assert staff.post("/api/v1/positions", oncd.signed(payload))["agency"] == "oncd"
    assert staff.post("/api/v1/positions", oncd.signed(payload))["determination"] is None
    for party in (staff, oncd):
        party.client.close()


def test_no_secret_comes_back(plane: Plane):
    """A token is in the one answer that makes it; a key never comes here at all."""
    staff = Party(plane, "developer", "developer")
    made = staff.post("/api/v1/tokens", {"role": "applicant", "name": "example"})
    assert made.keys() == {"principal", "role", "name", "party", "administrator", "token"}
    with plane.client(made["token"]) as applicant:
        assert applicant.get("/api/v1/cases").status_code == 200
    public = [
        staff.client.get(path).text
        for path in (
            "/api/v1/cases",
            "/api/v1/releases",
            "/metrics",
            "/log/checkpoint",
            "/log/tile/entries/000.p/6",
        )
    ]
    assert "sgt_" not in "".join(public)
    staff.client.close()


def test_who_is_well_and_ready_says_so(plane: Plane):
    with plane.client() as anyone:
        assert anyone.get("/healthz").text == "ok\n"
        assert anyone.get("/readyz").text == "ready\n"
        metrics = anyone.get("/metrics").text
    assert f"sluicegate_log_size {float(plane.ledger.size())}" in metrics
    assert "sluicegate_gateways 0.0" in metrics


def test_the_schema_of_plans_is_public(plane: Plane):
    with plane.client() as anyone:
        assert anyone.get("/api/v1/schemas/plan").json()["$id"] == "urn:sluicegate:plan:v1"


def test_tiles_may_be_kept_for_ever_and_the_head_is_asked_for_again(plane: Plane):
    with plane.client() as anyone:
        assert anyone.get("/log/checkpoint").headers["cache-control"] == "no-cache"
        assert "immutable" in anyone.get("/log/tile/0/000.p/6").headers["cache-control"]
        assert "immutable" not in anyone.get("/log/tile/0/000.p/99").headers.get("cache-control", "")


def test_a_directive_for_another_log_is_refused(plane: Plane):
    staff = Party(plane, "developer", "developer", signer=OFFICER)
    oncd = Party(plane, "agency", "oncd", "oncd")
    staff.post("/api/v1/releases", {"text": PLAN})
    value = worlds.directive_value("d-1")
    value["metadata"]["log"] = worlds.LOG.replace("openai", "other")
    signed = oncd.signed(worlds.directive_payload(value))
    assert oncd.refused("/api/v1/directives", signed) == (403, "other_log")
    value["metadata"]["log"] = oncd.get("/api/v1/log")["vkey"]
    oncd.post("/api/v1/directives", oncd.signed(worlds.directive_payload(value)))
    for party in (staff, oncd):
        party.client.close()
