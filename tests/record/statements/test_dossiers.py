"""The statements of dossiers, byte by byte: what is signed, what older ones lack, and what is none of it."""

from __future__ import annotations

from typing import Any

import pytest

from sluicegate_record.errors import BadEnvelope
from sluicegate_record.log import canonical
from sluicegate_record.statements.dossiers import DossierStatement, FindingDossier
from sluicegate_record.statements.statement import Statement
from tests.record.statements.test_statements import DIGEST, TIME, enveloped, written
from tests.worlds import LOG

POSITION = {"agency": "oncd", "position": "approve", "seq": 9, "digest": DIGEST, "transcribed": True}
TESTED = {"digest": DIGEST, "safeguards": DIGEST}
EVIDENCE = {
    "digest": DIGEST,
    "evaluation": "cyber-capability",
    "party": "caisi",
    "model": "gpt-5.6",
    "tested": TESTED,
    "seq": 5,
}
BASIS = {"kind": "voluntary", "askedBy": ["oncd"], "how": "conversation", "askedOn": "2026-06-24"}
GRANT = {
    "grant": "grant_1",
    "case": "case_1",
    "release": "gpt-5.6",
    "stage": "trusted-partners",
    "surface": "api",
    "terms": DIGEST,
    "conditions": {"requestsPerMinute": 600},
    "validFrom": TIME,
    "validUntil": None,
    "programmes": [{"concern": "cyber", "name": "daybreak_red", "holders": ["p-1"]}],
}
DIRECTIVE = {"directive": "d-1", "issuer": "bis", "action": "suspend", "basis": "order", "seq": 12}
STRETCH: dict[str, Any] = {"state": "held", "directives": [], "from": TIME, "until": None}
SERVED = {"model": "gpt-5.6", "upstream": "demo", **TESTED, "surfaces": ["api"]}
DEPLOYMENT = {
    "digest": DIGEST,
    "release": "gpt-5.6",
    "officer": "amy",
    "signedAt": TIME,
    "until": TIME,
    "serves": [SERVED],
    "holds": True,
    "seq": 7,
}
ENTRIES = [{"seq": 9, "leaf": "a" * 64}]
REQUEST = {
    "digest": DIGEST,
    "at": TIME,
    "grant": "grant_1",
    "outcome": "answered",
    "programmes": ["cyber: x"],
}
KEY = {
    "log": LOG,
    "size": 20,
    "at": TIME,
    "credential": "cred_1",
    "model": "gpt-5.6",
    "surface": "api",
    "allowed": True,
    "reason": None,
    "organization": "Example Utility",
    "purpose": "defence of the grid",
    "grant": GRANT,
    "basis": BASIS,
    "upstream": "demo",
    "served": TESTED,
    "positions": [POSITION],
    "evidence": [EVIDENCE],
    "directives": [DIRECTIVE],
    "layers": [{"what": "grant", "state": "allows", "reason": None, "text": "it has one"}],
    "shared": {"then": 20, "now": 19},
    "since": [STRETCH],
    "entries": ENTRIES,
    "request": REQUEST,
    "deployment": DEPLOYMENT,
}
FINDING = {
    "log": LOG,
    "size": 20,
    "at": TIME,
    "finding": {
        "finding": "finding_1",
        "release": "gpt-5.6",
        "kind": "jailbreak",
        "level": "high",
        "party": "caisi",
        "digest": DIGEST,
        "text": "in words",
        "model": "gpt-5.6",
        "tested": TESTED,
        "grant": None,
        "state": "asked",
        "seq": 18,
        "at": TIME,
        "said": [
            {"says": "asks", "party": "openai", "digest": DIGEST, "seq": 19, "at": TIME},
            {"says": "retests", "party": "caisi", "digest": DIGEST, "seq": 20, "at": TIME, "outcome": "gone"},
        ],
    },
    "holders": [
        {
            "organization": "Example Utility",
            "purpose": None,
            "grant": GRANT,
            "basis": BASIS,
            "positions": [POSITION],
            "since": [{**STRETCH, "model": "gpt-5.6", "surface": "api"}],
        }
    ],
    "more": 0,
    "accounts": 3,
    "served": TESTED,
    "deployment": DEPLOYMENT,
    "evidence": [EVIDENCE],
    "directives": [DIRECTIVE],
    "shared": {"then": 20, "now": 19},
    "entries": ENTRIES,
}
VECTORS: list[tuple[type[Statement], str, dict[str, Any], str, Any]] = [
    (
        DossierStatement,
        "urn:sluicegate:dossier:v1",
        KEY,
        "cred_1",
        {"credential": "cred_1", "model": "gpt-5.6", "size": 20},
    ),
    (
        FindingDossier,
        "urn:sluicegate:finding-dossier:v1",
        FINDING,
        "finding_1",
        {"finding": "finding_1", "size": 20},
    ),
]
each_vector = pytest.mark.parametrize(
    ("cls", "kind", "predicate", "name", "bound"), VECTORS, ids=[cls.__name__ for cls, *_ in VECTORS]
)


def signed(kind: str, predicate: Any, name: str, bound: Any) -> Any:
    return enveloped(written(kind, predicate, {name: canonical.digest(bound).removeprefix("sha256:")}))


@each_vector
def test_a_dossier_is_written_and_read_as_the_vector_has_it(cls, kind, predicate, name, bound):
    envelope = signed(kind, predicate, name, bound)
    found = cls.read(envelope)
    assert found.payload() == envelope.payload
    assert (found.to_json(), cls.TYPE) == (predicate, kind)
    assert cls.from_json(predicate) == found


def test_one_of_before_requests_and_deployments_is_still_read():
    _, kind, predicate, name, bound = VECTORS[0]
    older = {key: value for key, value in predicate.items() if key not in {"request", "deployment"}}
    found = DossierStatement.read(signed(kind, older, name, bound))
    assert (found.request, found.deployment) == (None, None)


@each_vector
def test_nothing_is_missing_rides_along_or_is_about_something_else(cls, kind, predicate, name, bound):
    optional = {"request"} | ({"deployment"} if cls is DossierStatement else set())
    for key in predicate.keys() - optional:
        with pytest.raises(BadEnvelope):
            cls.read(
                signed(
                    kind, {other: value for other, value in predicate.items() if other != key}, name, bound
                )
            )
    for wrong in (
        {**predicate, "extra": 1},
        {**predicate, "size": "20"},
        {**predicate, "entries": [{"seq": 9}]},
    ):
        with pytest.raises(BadEnvelope):
            cls.read(signed(kind, wrong, name, bound))
    inner = {**predicate, "deployment": {**DEPLOYMENT, "extra": 1}}
    with pytest.raises(BadEnvelope):
        cls.read(signed(kind, inner, name, bound))
    with pytest.raises(BadEnvelope):
        cls.read(signed(kind, predicate, name, {**bound, "size": 21}))
    with pytest.raises(BadEnvelope):
        cls.read(signed(kind, predicate, f"{name}x", bound))
