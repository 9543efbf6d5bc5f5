"""Statements of officers, as their pages show them: one of each kind, with all its fields."""

from __future__ import annotations

from typing import Any

from sluicegate_record.log.leaf import Opening

HASH = 64 * "0"
CANDIDATES = Opening(bytes(32), b'["a","b"]')
NAMES = {"count": 2, "commitment": HASH}
DOCUMENT: dict[str, Any] = {
    "apiVersion": "sluicegate/v1",
    "kind": "Directive",
    "metadata": {
        "name": "by-letter",
        "log": "log.example+0badc0de+key",
        "replaces": {"directive": "older", "document": f"sha256:{HASH}"},
        "transcribed": {"how": "letter", "on": "2026-06-12", "digest": f"sha256:{HASH}", "note": "by hand"},
    },
    "spec": {
        "issuer": "oncd",
        "basis": {"kind": "order", "authority": "a letter"},
        "action": "restrict",
        "conditions": {"requestsPerMinute": 60, "personNamed": True},
        "models": ["gpt-5.6"],
        "surfaces": ["api"],
        "covers": {
            "organizations": NAMES,
            "registeredIn": ["FR"],
            "persons": {
                "definition": "foreign-person",
                "statuses": ["other"],
                "source": "a rule",
                "unknown": "covered",
                "assurance": "credential",
            },
            "annexes": ["annex-a"],
        },
        "except": {"persons": NAMES},
        "annexes": {"annex-a": NAMES},
        "effective": "2026-06-12T21:21:00.000Z",
        "expires": "2026-07-12T21:21:00.000Z",
        "drain": "PT60S",
        "reasons": {"form": "sealed", "summary": "a summary", "text": "a text", "commitment": HASH},
        "liftedBy": {"allOf": ["oncd"]},
        "licensedBy": {"allOf": ["ostp"]},
    },
}
"""A directive that has every field, but that of a drill: a drill replaces nothing."""
ROW = {"log": "log.example+0badc0de+key", "signedAt": "2026-06-12T21:21:00.000Z"}
QUESTION = {
    "log": ROW["log"],
    "case": "case_a",
    "kind": "lift",
    "directive": "by-letter",
    "document": f"sha256:{HASH}",
    "scope": {"models": ["gpt-5.6"], "organizations": {"count": 2, "commitment": HASH}},
}
IN_CASE = {"question": QUESTION, "signedAt": ROW["signedAt"]}
STAGE = {**ROW, "release": "gpt-5.6", "stage": "one"}
SERVED = {
    "model": "m",
    "upstream": "u",
    "digest": f"sha256:{HASH}",
    "safeguards": f"sha256:{HASH}",
    "surfaces": ["a"],
}
STATED: dict[str, dict[str, Any]] = {
    "opening": {**STAGE, "terms": f"sha256:{HASH}", "closing": f"sha256:{HASH}"},
    "closing": {**STAGE, "reason": "why", "recalls": True},
    "recall": {**STAGE, "reason": "why", "recalls": True},
    "restoration": {**STAGE, "terms": f"sha256:{HASH}", "closing": f"sha256:{HASH}"},
    "ramp": {**STAGE, "says": "returns", "share": 10, "reason": "why", "previous": f"sha256:{HASH}"},
    "release-closing": {**ROW, "release": "gpt-5.6", "report": f"sha256:{HASH}"},
    "deployment": {
        **ROW,
        "release": "gpt-5.6",
        "serves": [SERVED],
        "until": "2026-07-12T21:21:00.000Z",
        "previous": f"sha256:{HASH}",
    },
    "proceeding": {**IN_CASE, "reason": "why"},
    "position": {
        **IN_CASE,
        "agency": "openai",
        "position": "approve-with-conditions",
        "reason": "why",
        "previous": f"sha256:{HASH}",
        "conditions": {"requestsPerMinute": 60},
        "said": {"count": 2, "digest": f"sha256:{HASH}"},
        "concern": "cyber",
    },
    "transcription": {
        **IN_CASE,
        "agency": "oncd",
        "position": "approve",
        "previous": f"sha256:{HASH}",
        "received": DOCUMENT["metadata"]["transcribed"],
    },
    "screening": {
        **IN_CASE,
        "list": "sdn",
        "version": "1",
        "decision": "clear",
        "reason": "why",
        "candidates": CANDIDATES.commitment("sealed", "candidates"),
    },
    "note": {
        **ROW,
        "party": "openai",
        "about": {"case": "case_a"},
        "kind": "call",
        "on": "2026-06-12",
        "text": "x",
    },
    "key": {
        **ROW,
        "party": "openai",
        "owner": "anna",
        "says": "revokes",
        "keyid": HASH,
        "since": 5,
        "reason": "why",
    },
    "promise": {
        **ROW,
        "party": "openai",
        "says": "changes",
        "promise": "promise_a",
        "text": "x",
        "due": "2026-07-13T00:00:00.000Z",
        "default": "y",
        "about": {"release": "gpt-5.6"},
        "reason": "why",
        "previous": f"sha256:{HASH}",
    },
    "finding": {
        **ROW,
        "party": "openai",
        "says": "reports",
        "release": "gpt-5.6",
        "kind": "jailbreak",
        "level": "high",
        "axes": {"capabilityGain": 1, "breadth": 2, "weaponization": 3, "discoverability": 4},
        "text": "x",
        "model": "m",
        "tested": {"digest": f"sha256:{HASH}", "safeguards": f"sha256:{HASH}"},
        "transcribed": {"reporter": "someone", "received": DOCUMENT["metadata"]["transcribed"]},
        "sealed": {"commitment": HASH, "keys": [HASH]},
    },
    "clearance": {
        **ROW,
        "release": "gpt-5.6",
        "party": "openai",
        "says": "adopts",
        "about": "a-standard",
        "reason": "why",
        "version": "2",
        "until": "2026-07-12T21:21:00.000Z",
        "previous": f"sha256:{HASH}",
    },
    "evidence-withdrawal": {
        **ROW,
        "release": "gpt-5.6",
        "evidence": f"sha256:{HASH}",
        "party": "openai",
        "reason": "why",
    },
    "point": {**ROW, "point": "edge", "surface": "api", "key": "MCowBQYDK2Vw", "says": "declared"},
}
"""A statement of each kind but an order, with the fields that it can have, but those that exclude others."""
