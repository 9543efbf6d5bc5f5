"""What a stolen token of a gateway can say, and what of it reaches others."""

from __future__ import annotations

from sluicegate.core import canonical, events
from tests.plane import Plane


def test_reports_too_large_to_add_up_hold_up_nobody_else() -> None:
    plane = Plane()
    plane.opened()
    for gateway in ("gateway-1", "gateway-2"):
        plane.ask(plane.size, gateway)
    size = plane.direct("d-1")["size"]
    plane.ask(size, "gateway-1", cut={"d-1": canonical.MAX_INTEGER})
    plane.ask(size, "gateway-2", cut={"d-1": canonical.MAX_INTEGER})
    noted = plane.store.entries(0, 9_999)[-1]
    assert noted.type == events.DIRECTIVE_IN_FORCE
    assert noted.public["streamsCut"] == canonical.MAX_INTEGER
