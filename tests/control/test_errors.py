"""One form of every error, and the status that goes with it; and what is told when something breaks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import pytest

from demo.fleet import served
from sluicegate import bootstrap, errors
from sluicegate.core.lifecycle import Refusal
from sluicegate.errors import StoreUnusable
from sluicegate.http.errors import STATUS_OF_ERROR, STATUS_OF_REFUSAL, refused
from sluicegate.settings import ControlSettings
from tests.control.test_api import error_of
from tests.fakes import Breaking, MemoryLog
from tests.plane import Plane
from tests.waiting import BOUND_S
from tests.worlds import ORIGIN, plan_value

PLAN = {"text": json.dumps(plan_value())}


class SurprisingLog(MemoryLog):
    """A log that falls over in a way that no code foresees."""

    surprising = False

    def size(self) -> int:
        if self.surprising:
            raise ZeroDivisionError("the token is sgt_secret")
        return super().size()


class Surprising(Breaking):
    """A store with such a log."""

    def __init__(self) -> None:
        super().__init__()
        self.log: SurprisingLog = SurprisingLog(self.session)


@contextmanager
def serving(plane: Plane) -> Iterator[httpx2.Client]:
    headers = {"authorization": f"Bearer {plane.tokens['developer']}"}
    with (
        TemporaryDirectory() as folder,
        served(bootstrap.Control(settings(folder), plane.ledger, plane.fleet)) as url,
        httpx2.Client(base_url=url, headers=headers, trust_env=False, verify=False) as client,
    ):
        yield client


def settings(folder: str) -> ControlSettings:
    return ControlSettings(Path(folder), Path("unused"), ORIGIN, port=0)


@pytest.mark.parametrize("breaks", ["before", "after"])
def test_a_store_that_cannot_write_is_503_and_sending_again_is_safe(breaks: str):
    plane = Plane()
    headers = {"idempotency-key": "apply-12345"}
    with serving(plane) as client:
        plane.store.breaks = breaks
        refused = client.post("/api/v1/releases", json=PLAN, headers=headers)
        assert (refused.status_code, error_of(refused)["code"]) == (503, "store_unavailable")
        again = client.post("/api/v1/releases", json=PLAN, headers=headers)
        assert again.status_code == 200
        assert again.json()["size"] == plane.size
        assert client.post("/api/v1/releases", json=PLAN, headers=headers).json() == again.json()


def test_a_surprise_is_500_and_nothing_of_it_is_told(caplog: pytest.LogCaptureFixture):
    store = Surprising()
    with serving(Plane(store)) as client:
        store.log.surprising = True
        response = client.get("/readyz", headers={"connection": "close"})
        store.log.surprising = False
        assert client.get("/readyz").status_code == 200
    assert (response.status_code, error_of(response)["code"]) == (500, "internal_error")
    assert "sgt_secret" not in response.text
    assert "ZeroDivision" not in response.text
    assert "GET /readyz failed" in caplog.text


def test_a_control_plane_whose_own_task_fails_ends_with_that_fault(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
):
    """A store that is not ours is no fault of one chore: nothing can go on."""
    plane = Plane()

    def altered() -> None:
        raise StoreUnusable("the log goes back")

    async def test() -> None:
        stop = asyncio.Event()
        wired = bootstrap.Control(settings(str(tmp_path)), plane.ledger, plane.fleet)
        with pytest.raises(StoreUnusable):
            await asyncio.wait_for(bootstrap.serve_control(wired, stop, lambda _: None), BOUND_S)

    plane.fleet.tick = altered  # type: ignore[method-assign]
    asyncio.run(test())
    assert "a task of its own failed" in caplog.text


def test_every_kind_of_error_has_a_status():
    """InvalidInput and its like are asked for by class, the rest is 500."""

    named = {getattr(errors, name) for name in errors.__all__}

    def leaves(kind: type[errors.SluicegateError]) -> list[type[errors.SluicegateError]]:
        ours = [child for child in kind.__subclasses__() if child in named]
        return [leaf for child in ours for leaf in leaves(child)] or [kind]

    found = {
        leaf.__name__: next(
            (status for kind, status in STATUS_OF_ERROR.items() if issubclass(leaf, kind)), 500
        )
        for leaf in leaves(errors.SluicegateError)
    }
    assert found == {
        "WrongUsage": 400,
        "NotCanonical": 400,
        "InvalidDocument": 400,
        "BadEnvelope": 400,
        "BadKey": 400,
        "TooLarge": 400,
        "BadSignature": 403,
        "Drifted": 409,
        "BadProof": 400,
        "BadCheckpoint": 400,
        "BadFeed": 400,
        "CommandRefused": 500,
        "Unauthorized": 401,
        "StoreUnusable": 500,
        "StoreUnavailable": 503,
        "Overloaded": 503,
        "TooComplex": 400,
        "Unreachable": 502,
    }


@pytest.mark.parametrize(
    ("kind", "status"),
    [("unknown", 404), ("conflict", 409), ("forbidden", 403), ("unverified", 403), ("exhausted", 429)],
)
def test_every_kind_of_refusal_has_a_status(kind, status):
    assert STATUS_OF_REFUSAL[kind] == status
    response = refused(Refusal(kind, "some_code", "what was found", "what to do"))
    assert response.status_code == status
    assert json.loads(bytes(response.body)) == {
        "error": {"code": "some_code", "message": "what was found", "remedy": "what to do", "at": []}
    }
    assert len(STATUS_OF_REFUSAL) == 5
    assert "retry-after" not in response.headers


def test_a_refusal_that_time_ends_says_when():
    refusal = Refusal("exhausted", "too_many_keys", "what was found", "again later", 17)
    assert refused(refusal).headers["retry-after"] == "17"
