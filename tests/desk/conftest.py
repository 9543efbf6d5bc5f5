from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from sluicegate.acts import keys, review
from sluicegate.acts.act import AnyAct
from sluicegate.acts.cases import CaseArgument
from sluicegate.acts.documents import SignedStatement
from sluicegate.acts.keys import KeyReceipt
from sluicegate.acts.review import ExportedCase, ReviewStatement, StatementReceipt
from sluicegate.core.lifecycle import Refusal
from sluicegate.desk.following import Following
from sluicegate.desk.instances import Instance
from sluicegate.errors import CommandRefused, Unreachable
from sluicegate.service import log
from sluicegate_record.copy import Fetch
from sluicegate_record.log.dsse import Envelope
from tests.desk.office import Office, running
from tests.pages import conftest as pages
from tests.plane import Plane
from tests.waiting import BOUND_S

browser = pages.browser


class PlaneCounterpart:
    """A control plane without a socket, as a desk asks it. A test may put a lie in the place of an answer."""

    def __init__(self, plane: Plane, agency: str = "ostp") -> None:
        self.plane, self.agency = plane, agency
        self.served: Callable[[str, bytes], bytes] = lambda _, data: data
        self.shown: Callable[[ExportedCase], ExportedCase] = lambda case: case
        self.is_gone = False

    def files(self, within_s: float) -> Fetch:
        del within_s

        def fetch(path: str, limit: int) -> bytes:
            if self.is_gone:
                raise Unreachable("no answer from the instance")
            ledger = self.plane.ledger
            found = ledger.checkpoint().encode() if path == "checkpoint" else log.tile(ledger, path)
            assert not isinstance(found, Refusal)
            return self.served(path, found)[: limit + 1]

        return fetch

    def handovers(self) -> list[Envelope]:
        return [Envelope.from_json(each) for each in self.plane.ledger.handovers()]

    def export(self, case: str) -> ExportedCase:
        if self.is_gone:
            raise Unreachable("no answer from the instance")
        found = self._done(review.EXPORT, CaseArgument(case=case))
        return self.shown(ExportedCase.from_json(found.to_json()))

    def record(self, given: ReviewStatement) -> StatementReceipt:
        found: StatementReceipt = self._done(review.IMPORT, given)
        return found

    def record_key(self, given: SignedStatement) -> KeyReceipt:
        found: KeyReceipt = self._done(keys.RECORD, given)
        return found

    def _done(self, act: AnyAct, asked: Any) -> Any:
        answer = self.plane.send(self.plane.who[self.agency], act, asked)
        if isinstance(answer, Refusal):
            raise CommandRefused(answer.message, code=answer.code, remedy=answer.remedy)
        return answer


class Desk:
    """A desk of `ostp` that follows a control plane."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.plane = folder, Plane()
        self.counterpart = PlaneCounterpart(self.plane)
        self.following = self.again()

    def again(self, folder: Path | None = None) -> Following:
        vkey = self.plane.ledger.vkey()
        instance = Instance(name="openai", url="http://x.example", agency="ostp", token="sgt_", vkey=vkey)
        return Following(instance, folder or self.folder, self.counterpart, self.plane.wall)

    def asked(self, **changes: Any) -> str:
        """A case that waits for the agency, as the desk knows it."""
        self.plane.opened()
        case: str = self.plane.submit(**changes).application
        self.following.follow()
        return case


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A desk and a control plane that it follows, both served."""
    with running(tmp_path_factory.mktemp("office")) as made:
        yield made


@pytest.fixture
def page(browser: Browser, office: Office) -> Iterator[Page]:
    """A page of a browser at the desk."""
    with browser.new_context(base_url=office.url) as context:
        context.set_default_timeout(BOUND_S * 1_000)
        yield context.new_page()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path / "copy")
