"""Reads evidence as those do who know nothing of this project: Inspect, and in-toto's own library.

The first argument is an exported envelope, the second an exported log. What was read is printed as JSON.
"""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from in_toto_attestation.predicates.test_result.v0.test_result_pb2 import TestResult
from in_toto_attestation.v1.statement import Statement
from inspect_ai.log import read_eval_log


def statement(path: Path) -> dict[str, Any]:
    payload = json.loads(base64.b64decode(json.loads(path.read_text())["payload"]))
    made = Statement(
        [],
        payload["predicateType"],
        payload["predicate"],
    )
    json_format.ParseDict(payload, made.pb)
    made.validate()
    predicate = json_format.ParseDict(payload["predicate"], TestResult(), ignore_unknown_fields=True)
    return {
        "type": made.pb.type,
        "subjects": {each.name: each.digest["sha256"] for each in made.pb.subject},
        "result": predicate.result,
        "configuration": [each.name for each in predicate.configuration],
    }


def log(path: Path) -> dict[str, Any]:
    found = read_eval_log(str(path))
    assert found.results is not None
    (score,) = found.results.scores
    (metric,) = score.metrics.values()
    return {
        "status": found.status,
        "task": found.eval.task,
        "model": found.eval.model,
        "dataset": found.eval.dataset.samples,
        "completed": found.results.completed_samples,
        "value": metric.value,
    }


sys.stdout.write(json.dumps({"statement": statement(Path(sys.argv[1])), "log": log(Path(sys.argv[2]))}))
