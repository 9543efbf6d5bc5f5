"""The HTTP API over a real socket: who may do what, what is malformed, and the one form of every error."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from sluicegate.acts.act import AGENCY, ROLES
from sluicegate.acts.table import ACTS
from sluicegate.bounds import ACT_BODY_MAX
from sluicegate_record.log import canonical, checkpoint, merkle, tiles
from tests.control.conftest import Plane
from tests.worlds import keyid, plan_value, public_key

PLAN = json.dumps(plan_value())
PUBLIC = canonical.b64(public_key("signatory"))
SIGNED = {"envelope": {"payload": "", "payloadType": "", "signatures": []}}
REPORT = {"gateway": "gateway", "incarnation": "i-1", "surface": "api", "proven": ["grant_x"], "usage": []}

IMPORT = "imp_aaaaaaaaaaaaaaaa"
CHANGING: dict[tuple[str, str], tuple[str, Any]] = {
    ("POST", "/api/v1/releases/preview"): ("plan.preview", {"text": PLAN}),
    ("POST", "/api/v1/releases"): ("plan.apply", {"text": PLAN}),
    ("POST", "/api/v1/releases/openings"): ("stage.open", SIGNED),
    ("POST", "/api/v1/releases/closings"): ("stage.close", SIGNED),
    ("POST", "/api/v1/releases/recalls"): ("release.recall", {"envelopes": [SIGNED["envelope"]]}),
    ("POST", "/api/v1/releases/restorations"): ("release.restore", {"envelopes": [SIGNED["envelope"]]}),
    ("POST", "/api/v1/applications"): (
        "application.submit",
        {"release": "r", "stage": "s", "surface": "api", "organization": "{name: A, registeredIn: US}"},
    ),
    ("POST", "/api/v1/positions"): ("position.import", SIGNED),
    ("POST", "/api/v1/cases/case_x/accept"): ("case.accept", None),
    ("POST", "/api/v1/cases/case_x/withdraw"): ("case.withdraw", None),
    **{
        ("POST", f"/api/v1/cases/case_x/{act}"): (f"case.{act}", {"text": "because"})
        for act in ("answer", "return", "reply", "appeal")
    },
    ("POST", "/api/v1/grants/grant_x/suspend"): ("grant.suspend", {"code": "misuse"}),
    ("POST", "/api/v1/grants/grant_x/resume"): ("grant.resume", None),
    ("POST", "/api/v1/grants/grant_x/surrender"): ("grant.surrender", None),
    ("POST", "/api/v1/grants/grant_x/removal"): ("grant.removal", {"code": "misuse", "text": "a notice"}),
    ("POST", "/api/v1/grants/grant_x/fallback"): ("grant.fallback", {"fallback": True}),
    ("POST", "/api/v1/grants/grant_x/amend"): ("grant.amend", {"renew": True}),
    ("POST", f"/api/v1/credential-imports/{IMPORT}/parts"): (
        "credential.import",
        {"part": 0, "text": "sha256,grant\n" + "0" * 64 + ",grant_x"},
    ),
    ("POST", f"/api/v1/credential-imports/{IMPORT}/complete"): ("credential.complete", {"count": 1}),
    ("POST", f"/api/v1/credential-imports/{IMPORT}/discard"): ("credential.discard", None),
    ("POST", "/api/v1/credentials/cred_x/rotate"): ("credential.rotate", {"digest": "0" * 64}),
    ("POST", "/api/v1/nominations"): (
        "nomination.add",
        {"release": "r", "stage": "s", "organization": "{name: A, registeredIn: US}"},
    ),
    ("POST", "/api/v1/drafts"): (
        "draft.save",
        {"release": "r", "stage": "s", "surface": "api", "organization": "{name: A, registeredIn: US}"},
    ),
    ("POST", "/api/v1/drafts/draft_x"): ("draft.edit", {"surface": "api"}),
    ("POST", "/api/v1/drafts/draft_x/submit"): ("draft.submit", None),
    ("POST", "/api/v1/drafts/draft_x/discard"): ("draft.discard", None),
    ("POST", "/api/v1/lists"): ("list.use", {"name": "entities", "version": "1"}),
    ("POST", "/api/v1/grants/grant_x/credentials"): ("credential.issue", {"digest": "0" * 64}),
    ("POST", "/api/v1/credentials/cred_x/revoke"): ("credential.revoke", None),
    ("POST", "/api/v1/directives/preview"): ("directive.preview", {"text": "{}"}),
    ("POST", "/api/v1/directives"): ("directive.issue", SIGNED),
    ("POST", "/api/v1/directives/confirmations"): ("directive.confirm", SIGNED),
    ("POST", "/api/v1/directives/d-1/lift"): ("directive.lift", None),
    ("POST", "/api/v1/directives/d-1/lift/question"): ("directive.to-lift", None),
    ("POST", "/api/v1/drills/dr-1/end"): ("drill.end", None),
    ("POST", "/api/v1/definitions"): (
        "definition.add",
        {"name": "a-word", "statuses": ["other"], "source": "an example"},
    ),
    ("POST", "/api/v1/points"): ("point.put", SIGNED),
    ("POST", "/api/v1/points/statements"): ("point.state", SIGNED),
    ("POST", "/api/v1/clearances"): ("clearance.record", SIGNED),
    ("POST", "/api/v1/designations"): ("designation.record", SIGNED),
    ("POST", "/api/v1/designations/reconsiderations"): (
        "designation.reconsider",
        {"release": "r", "designation": "sha256:00", "text": "because"},
    ),
    ("POST", "/api/v1/evidence"): ("evidence.import", SIGNED),
    ("POST", "/api/v1/findings"): ("finding.record", SIGNED),
    ("POST", "/api/v1/deployments"): ("deployment.attest", SIGNED),
    ("POST", "/api/v1/observations"): ("observation.record", SIGNED),
    ("POST", "/api/v1/keys"): ("keys.record", SIGNED),
    ("POST", "/api/v1/releases/r/deployment/end"): ("deployment.end", {"reason": "wrong"}),
    ("POST", "/api/v1/evidence/withdraw"): ("evidence.withdraw", SIGNED),
    ("POST", "/api/v1/accounts"): ("account.open", {"organization": "{name: A, registeredIn: US}"}),
    ("POST", "/api/v1/accounts/acct_x/close"): ("account.close", None),
    ("POST", "/api/v1/directives/d-1/licences"): ("licence.request", None),
    ("POST", "/api/v1/licences/licence_x/end"): ("licence.end", {"reason": "because"}),
    ("POST", "/api/v1/releases/ends"): ("release.close", SIGNED),
    ("POST", "/api/v1/releases/ramps"): ("ramp.move", SIGNED),
    ("POST", "/api/v1/promises"): ("promise.record", SIGNED),
    ("POST", "/api/v1/subscriptions"): (
        "subscription.add",
        {"kind": "webhook", "target": "https://example.org/hook"},
    ),
    ("POST", "/api/v1/subscriptions/sub_x/remove"): ("subscription.remove", None),
    ("POST", "/api/v1/subscriptions/sub_x/test"): ("subscription.test", None),
    ("POST", "/api/v1/subscriptions/sub_x/confirm"): ("subscription.confirm", {"code": "abc"}),
    ("POST", "/api/v1/subscriptions/dead/replay"): ("subscription.replay", {"letter": None}),
    ("POST", "/api/v1/grants/grant_x/members"): ("member.register", {"rows": [{"identifiers": ["0" * 32]}]}),
    ("POST", "/api/v1/grants/grant_x/members/remove"): ("member.remove", {"members": ["mem_x"]}),
    ("POST", "/api/v1/members/mem_x/claim"): ("member.claim", {"status": "other", "method": "i-9"}),
    ("POST", "/api/v1/members/mem_x/revoke"): ("member.revoke", {"provider": None}),
    ("POST", "/api/v1/members/mem_x/link"): ("member.link", None),
    ("POST", "/api/v1/grants/grant_x/signatories"): ("signatory.pin", {"key": PUBLIC}),
    ("POST", "/api/v1/grants/grant_x/signatories/sig_x/retire"): ("signatory.retire", None),
    ("POST", "/api/v1/attestations"): ("credential.attest", SIGNED),
    ("POST", "/api/v1/declarations"): ("credential.declare", SIGNED),
    ("POST", "/api/v1/credentials/cred_x/withdraw"): ("credential.withdraw", None),
    ("POST", "/api/v1/grants/grant_x/providers"): (
        "provider.register",
        {"issuer": "https://a", "audience": "us", "algorithms": ["ES256"], "jwks": {"keys": []}},
    ),
    ("POST", "/api/v1/providers/idp_x/rotate"): ("provider.rotate", {"jwks": {"keys": []}}),
    ("POST", "/api/v1/providers/idp_x/remove"): ("provider.remove", None),
    ("POST", "/api/v1/person/claim"): ("person.claim", {"status": "other"}),
    ("POST", "/api/v1/person/link"): ("person.link", None),
    ("POST", "/api/v1/tokens"): ("token.issue", {"role": "applicant", "name": "made-in-a-test"}),
    ("POST", "/api/v1/tokens/gateway_x/revoke"): ("token.revoke", None),
    ("POST", "/api/v1/invitations"): ("sign-in.invite", None),
    ("POST", "/api/v1/sessions/ses_x/end"): ("sign-in.end", None),
    ("POST", "/api/v1/passkeys/passkey_x/remove"): ("sign-in.remove", None),
    ("POST", "/api/v1/colleagues/applicant_x/promote"): ("colleague.promote", None),
    ("POST", "/api/v1/colleagues/applicant_x/demote"): ("colleague.demote", None),
    ("POST", "/api/v1/colleagues/applicant_x/end"): ("colleague.end", None),
    ("POST", "/fleet/v1/report"): ("fleet.report", REPORT),
    ("POST", "/api/v1/tokens/renew"): ("token.renew", None),  # the last one: it ends the token
}
READING = {
    "/api/v1/releases": "release.list",
    "/api/v1/releases/r/stages/s/opening": "stage.opening",
    "/api/v1/releases/r/stages/s/closing": "stage.closing",
    "/api/v1/releases/r": "release.show",
    "/api/v1/releases/r/recall": "release.recalling",
    "/api/v1/releases/r/restoration": "release.restoring",
    "/api/v1/releases/r/report": "release.report",
    "/api/v1/releases/r/stages/s/ramp": "ramp.to-sign",
    "/api/v1/cases": "case.list",
    "/api/v1/cases/case_x": "case.show",
    "/api/v1/cases/case_x/export": "case.export",
    "/api/v1/ids/grant?begins=g": "id.find",
    "/api/v1/grants": "grant.list",
    "/api/v1/grants/grant_x": "grant.show",
    "/api/v1/grants/grant_x/usage": "credential.usage",
    "/api/v1/credentials": "credential.list",
    "/api/v1/credentials/cred_x": "credential.show",
    "/api/v1/credentials/cred_x/explanation?model=m": "credential.explain",
    "/api/v1/credentials/cred_x/dossier?model=m": "dossier.make",
    "/api/v1/credential-imports": "credential.imports",
    "/api/v1/drafts": "draft.list",
    "/api/v1/drafts/draft_x": "draft.show",
    "/api/v1/nominations": "nomination.list",
    "/api/v1/reports/cases": "report.read",
    "/api/v1/early-access?of=gpt-5.6": "early-access.list",
    "/api/v1/directives": "directive.list",
    "/api/v1/directives/d-1/status": "directive.status",
    "/api/v1/directives/d-1/affected": "directive.affected",
    "/api/v1/directives/d-1/names": "directive.names",
    "/api/v1/drills/dr-1/report": "drill.report",
    "/api/v1/points": "point.list",
    "/api/v1/promises": "promise.list",
    "/api/v1/promises/to-sign": "promise.to-sign",
    "/api/v1/licences": "licence.list",
    "/api/v1/accounts": "account.list",
    "/api/v1/releases/r/clearance?says=adopts&about=s": "clearance.to-sign",
    "/api/v1/releases/r/designation?class=covered-frontier-model": "designation.to-sign",
    "/api/v1/releases/r/evaluations/eval_x": "evidence.to-sign",
    "/api/v1/releases/r/deployment": "deployment.show",
    "/api/v1/evidence": "evidence.list",
    "/api/v1/observations": "observation.list",
    "/api/v1/observations/to-sign?release=r&model=m&surface=s&address=a&ask=chat&expects=answered": (
        "observation.to-sign"
    ),
    "/api/v1/findings/to-sign": "finding.to-sign",
    "/api/v1/findings": "finding.list",
    "/api/v1/findings/finding_x": "finding.show",
    "/api/v1/findings/finding_x/dossier": "dossier.of-finding",
    "/api/v1/keys": "keys.list",
    "/api/v1/keys/147d/effects": "keys.effects",
    "/api/v1/evidence/evidence_x": "evidence.show",
    "/api/v1/evidence/evidence_x/log": "evidence.log",
    "/api/v1/points/point-x/directives/d-1": "point.to-state",
    "/api/v1/gateways": "gateway.list",
    "/api/v1/subscriptions": "subscription.list",
    "/api/v1/subscriptions/dead": "subscription.dead",
    "/api/v1/grants/grant_x/members": "member.list",
    "/api/v1/grants/grant_x/signatories": "signatory.list",
    "/api/v1/grants/grant_x/providers": "provider.list",
    "/api/v1/person": "person.show",
    "/api/v1/tokens": "token.list",
    "/api/v1/sign-ins": "sign-in.list",
    "/api/v1/colleagues": "colleague.list",
}


def error_of(response: httpx2.Response) -> dict[str, Any]:
    """The error of an answer, which has exactly the one form."""
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "remedy", "at"}
    assert "\n" not in body["error"]["message"]
    return dict(body["error"])


def test_the_table_of_routes_is_complete(idle: Plane):
    with idle.client() as anyone:
        paths = anyone.get("/api/v1/openapi.json").json()["paths"]
    described = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    named = {"grant_x": "{grant}", "cred_x": "{credential}", "case_x": "{case}", "d-1": "{directive}"}
    named |= {IMPORT: "{import}"}
    named |= {"grant": "{kind}", "mem_x": "{member}", "sig_x": "{signatory}", "idp_x": "{provider}"}
    named |= {
        "r": "{release}",
        "s": "{stage}",
        "sub_x": "{subscription}",
        "draft_x": "{draft}",
        "dr-1": "{drill}",
    }
    named |= {
        "point-x": "{point}",
        "gateway_x": "{principal}",
        "applicant_x": "{principal}",
        "licence_x": "{licence}",
        "acct_x": "{account}",
        "eval_x": "{evaluation}",
        "evidence_x": "{evidence}",
        "finding_x": "{finding}",
        "147d": "{keyid}",
        "ses_x": "{session}",
        "passkey_x": "{passkey}",
    }

    def template(path: str) -> str:
        return "/".join(named.get(step, step) for step in path.partition("?")[0].split("/"))

    expected = {(method, template(path)) for method, path in CHANGING}
    expected |= {("GET", template(path)) for path in READING}
    open_to_all = (
        "schemas/plan",
        "releases/{release}/early-access",
        "log",
        "log/inclusion",
        "log/consistency",
        "log/entries",
        "log/entries/{index}",
        "releases/{release}/history",
        "definitions",
    )
    public = {("GET", f"/api/v1/{path}") for path in (*open_to_all, "directives/{directive}")}
    assert described == expected | public


def test_the_log_says_what_statements_are_bound_to(idle: Plane):
    with idle.client() as anyone:
        key = idle.ledger.vkey()
        assert anyone.get("/api/v1/log").json() == {"vkey": key, "key": key, "size": idle.ledger.size()}
    with idle.ledger.reading() as state:
        assert state.log == idle.ledger.vkey()


def test_every_route_wants_a_token(idle: Plane):
    size = idle.ledger.size()
    with idle.client() as nobody, idle.client("sgt_" + "A" * 49) as stranger:
        for (method, path), (_, body) in CHANGING.items():
            for client, code in ((nobody, "token_missing"), (stranger, "token_unknown")):
                response = client.request(method, path, json=body)
                assert (response.status_code, error_of(response)["code"]) == (401, code), path
        for path in READING:
            assert nobody.get(path).status_code == 401, path
    assert idle.ledger.size() == size


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_the_table_says_and_nothing_else(plane: Plane, role: str):
    token = plane.token(role, party="oncd" if role == AGENCY else None)
    with plane.client(token) as client:
        for path, action in READING.items():
            forbidden = client.get(path).status_code == 403
            assert forbidden == (role not in ACTS[action].roles), path
        for (method, path), (action, body) in CHANGING.items():
            response = client.request(method, path, json=body)
            forbidden = response.status_code == 403 and error_of(response)["code"] == "forbidden"
            assert forbidden == (role not in ACTS[action].roles), path


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"text": "a", "text": "b"}', "not_canonical"),
        (b'{"text": NaN}', "not_canonical"),
        (b'{"text": 1.5}', "not_canonical"),
        (b'{"text": "\xff"}', "not_canonical"),
        (b"\xef\xbb\xbf{}", "not_canonical"),
        ('{"text": "a"}'.encode("utf-16"), "not_canonical"),
        (b"[" * 90_000, "not_canonical"),
        (b"", "invalid_input"),
        (b"[]", "invalid_input"),
        (b"{}", "invalid_input"),
        (b'{"text": 1}', "invalid_input"),
        (b'{"text": "a", "more": 1}', "invalid_input"),
        (b'{"Text": "a"}', "invalid_input"),
        (b'{"text": "{}"}', "invalid_document"),
        (b'{"text": "a: [b"}', "invalid_document"),
    ],
)
def test_a_malformed_body_is_a_typed_error_and_changes_nothing(idle: Plane, body: bytes, code: str):
    size = idle.ledger.size()
    headers = {"content-type": "application/json"}
    with idle.staff() as staff:
        response = staff.post("/api/v1/releases", content=body, headers=headers)
    assert (response.status_code, error_of(response)["code"]) == (400, code)
    assert idle.ledger.size() == size


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_refused_unread(idle: Plane, chunked: bool):
    body = b'{"text": "' + b"a" * (ACT_BODY_MAX * 10) + b'"}'
    content = (body[at : at + 10_000] for at in range(0, len(body), 10_000)) if chunked else body
    with idle.staff() as staff:
        response = staff.post(
            "/api/v1/releases", content=content, headers={"content-type": "application/json"}
        )
    assert (response.status_code, error_of(response)["code"]) == (413, "body_too_large")


def test_a_plan_with_errors_lists_them_with_their_places(idle: Plane):
    text = PLAN.replace('"openai"', "7").replace('"mode": "approve"', '"mode": "maybe"')
    response = idle.send("/api/v1/releases", {"text": text, "file": "plan.yaml"})
    places = error_of(response)["at"]
    assert response.status_code == 400
    assert len(places) == 2
    assert {place["file"] for place in places} == {"plan.yaml"}
    assert all(place["line"] and place["column"] and place["expected"] and place["found"] for place in places)


def test_a_command_sent_again_is_done_once(plane: Plane):
    first = plane.send("/api/v1/releases", {"text": PLAN}, **{"idempotency-key": "a-command"})
    again = plane.send("/api/v1/releases", {"text": PLAN}, **{"idempotency-key": "a-command"})
    other = plane.send("/api/v1/directives/d-1/lift", None, **{"idempotency-key": "a-command"})
    assert first.status_code == 200
    assert first.json() == again.json()
    assert (other.status_code, error_of(other)["code"]) == (409, "command_id_reused")


@pytest.mark.parametrize("key", ["short", "x" * 65, "with\ttab-in-it"])
def test_a_malformed_command_id_is_refused(idle: Plane, key: str):
    response = idle.send("/api/v1/releases", {"text": PLAN}, **{"idempotency-key": key})
    assert response.status_code == 400


def test_what_is_not_there_is_said_in_the_same_form(idle: Plane):
    with idle.staff() as staff:
        assert error_of(staff.get("/api/v1/nothing"))["code"] == "route_unknown"
        assert error_of(staff.get("/api/v1/positions"))["code"] == "method_not_allowed"
        assert error_of(staff.get("/api/v1/cases/case_x"))["code"] == "case_unknown"
        assert error_of(staff.get("/log/tile/0/999"))["code"] == "tile_unknown"
        assert error_of(staff.get("/log/tile/0/..%5c..%5chead"))["code"] == "invalid_input"
        assert error_of(staff.get("/api/v1/log/inclusion?index=999"))["code"] == "entry_unknown"
        assert error_of(staff.get("/api/v1/log/inclusion?index=-1"))["code"] == "invalid_input"
        assert error_of(staff.get("/api/v1/log/inclusion?index=x"))["code"] == "invalid_input"


def test_the_document_is_openapi_3_1(idle: Plane):
    with idle.client() as anyone:
        document = anyone.get("/api/v1/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    for methods in document["paths"].values():
        assert all(operation["summary"] for operation in methods.values())


# The log


def test_proofs_and_tiles_verify_with_the_key_alone(plane: Plane):
    plane.send("/api/v1/releases", {"text": PLAN})
    verifier = checkpoint.parse_vkey(plane.ledger.vkey())
    with plane.client() as anyone:
        head = checkpoint.open_checkpoint(anyone.get("/log/checkpoint").content, verifier)
        leaves: list[bytes] = []
        for path, _ in tiles.entries_paths(head.size):
            leaves += tiles.decode_entries(anyone.get(f"/log/{path}").content)
        hashes = b"".join(anyone.get(f"/log/{path}").content for path, _ in tiles.tile_paths(0, head.size))
        frontier = merkle.Frontier()
        for index, leaf in enumerate(leaves):
            frontier.append(merkle.leaf_hash(leaf))
            assert hashes[32 * index : 32 * index + 32] == merkle.leaf_hash(leaf)
            told = anyone.get(f"/api/v1/log/inclusion?index={index}").json()
            proof = [canonical.unb64(node) for node in told["proof"]]
            merkle.verify_inclusion(merkle.leaf_hash(leaf), index, head.size, proof, head.root)
            older = anyone.get(f"/api/v1/log/consistency?first={index + 1}").json()
            proof = [canonical.unb64(node) for node in older["proof"]]
            merkle.verify_consistency(index + 1, head.size, proof, frontier.root(), head.root)
    assert frontier.root() == head.root


def test_the_pinned_keys_are_on_the_record(plane: Plane):
    leaves = [json.loads(leaf) for leaf in plane.ledger.store.log.leaves(0, plane.ledger.size())]
    pinned = {
        leaf["public"]["owner"]: leaf["public"]["keyid"] for leaf in leaves if leaf["type"] == "key.pinned"
    }
    assert pinned["oncd"] == keyid("oncd")
    assert public_key("oncd").hex() not in json.dumps(leaves)


# Applicants


def test_an_applicant_sees_its_own_cases_and_nobody_elses(plane: Plane):
    plane.send("/api/v1/releases", {"text": PLAN})
    asked = {
        "release": "gpt-5.6",
        "stage": "trusted-partners",
        "surface": "api",
        "organization": "{name: Example One, registeredIn: US}",
    }
    with (
        plane.client(plane.token("applicant", "one")) as one,
        plane.client(plane.token("applicant", "two")) as two,
        plane.client(plane.token("agency", "oncd", "oncd")) as oncd,
        plane.client(plane.token("agency", "caisi", "caisi")) as caisi,
    ):
        case = one.post("/api/v1/applications", json=asked).json()["application"]
        assert one.get(f"/api/v1/cases/{case}").json()["awaiting"] == ["oncd", "ostp"]
        assert one.get(f"/api/v1/cases/{case}/export").status_code == 403
        assert error_of(two.get(f"/api/v1/cases/{case}"))["code"] == "case_unknown"
        assert error_of(caisi.get(f"/api/v1/cases/{case}"))["code"] == "case_unknown"
        exported = oncd.get(f"/api/v1/cases/{case}/export").json()
        assert exported["dossier"]["application"]["organization"]["name"] == "Example One"
        assert two.get("/api/v1/cases").json()["cases"] == []
        again = one.post("/api/v1/applications", json=asked)
        assert (again.status_code, error_of(again)["code"]) == (409, "already_applied")


def test_an_unannounced_release_does_not_exist_for_applicants(plane: Plane):
    plane.send("/api/v1/releases", {"text": json.dumps(plan_value(announced=False))})
    asked = {"release": "gpt-5.6", "stage": "trusted-partners", "surface": "api"}
    organization = "{name: Example One, registeredIn: US}"
    with plane.client(plane.token("applicant")) as applicant:
        assert applicant.get("/api/v1/releases").json()["releases"] == []
        refused = applicant.post("/api/v1/applications", json={**asked, "organization": organization})
        unknown = applicant.post(
            "/api/v1/applications", json={**asked, "release": "gpt-9.9", "organization": organization}
        )
    assert refused.status_code == unknown.status_code == 404
    assert refused.text == unknown.text.replace("gpt-9.9", "gpt-5.6")
