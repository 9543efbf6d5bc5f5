"""`demo story`: all of Sluicegate once, with real processes and real sockets, and a check at every step.

Rules:
- It runs in a new folder and on free ports. When it is over, all its processes have ended.
- A step that fails its check ends the story: the later steps are listed as not tried, and the report is not
  ok.
- The weeks of June and July 2026 come last, in this process, on a clock that is moved (`demo.moved`).
- The folder stays only if a check failed, for people who look for the reason.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from demo import dates, run, site, streams
from demo.cast import Cast, agencies_of
from demo.examples import EXAMPLES
from demo.paperwork import Paperwork
from demo.processes import Processes
from demo.scene import Scene
from demo.site import Ports
from demo.story_admission import Admission
from demo.story_evidence import Evidence
from demo.story_general import General
from demo.story_order import Order
from demo.story_record import Record
from demo.story_weeks import Weeks
from demo.telling import Report, Say, Step, report, tell
from sluicegate.errors import InvalidInput

GENERAL = "gpt-5.6-general.yaml"
STEPS = (
    "apply",
    "positions",
    "admitted",
    "answered",
    "refused",
    "directive",
    "cut",
    "spared",
    "lifted",
    "widened",
    "everyone",
    "tested",
    "stale",
    "found",
    "verified",
    "tampered",
    "june",
    "ordered",
    "previewed",
    "restored",
    "general",
)


def story(base: Path, output: Path, say: Say, server: str) -> Report:
    """Tell the story in a new folder under `base`; write the report to `output` and return it.
    `server` is the command of `demo` that serves the model that is tested.

    The report is always written. At the start it is written with every step as not tried.
    Raises: Unreachable: a process ended by itself. InvalidInput: a folder or file cannot be made.
            KeyboardInterrupt: SIGINT or SIGTERM came.
    """
    began, steps = time.monotonic(), list[Step]()
    try:
        report(STEPS, (), 0).write(output)
        base.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="story-", dir=base.absolute()))
    except OSError as error:
        raise InvalidInput(f"{error.filename} cannot be made: {error.strerror}") from error
    try:
        with Processes(folder, say) as processes:
            _tell(processes, folder, server, steps, say)
    finally:
        told = report(STEPS, steps, time.monotonic() - began)
        told.write(output)
    if processes.stopping:
        raise KeyboardInterrupt
    if told.ok:
        shutil.rmtree(folder)
    return told


def _tell(processes: Processes, folder: Path, server: str, steps: list[Step], say: Say) -> None:
    with ExitStack() as stack:
        scene = _set_up(processes, folder, server, stack)
        admission, order = Admission(scene), Order(scene, stack)
        general, evidence, record = General(scene), Evidence(scene), Record(scene)
        weeks = Weeks(folder / "weeks", stack)
        parts = (
            admission.apply,
            admission.positions,
            admission.admitted,
            admission.answered,
            admission.refused,
            order.directive,
            order.cut,
            order.spared,
            order.lifted,
            general.widened,
            general.everyone,
            evidence.tested,
            evidence.stale,
            evidence.found,
            record.verified,
            record.tampered,
            weeks.june,
            weeks.ordered,
            weeks.previewed,
            weeks.restored,
            weeks.general,
        )
        tell(parts, steps, say)


def _set_up(processes: Processes, folder: Path, server: str, stack: ExitStack) -> Scene:
    today = datetime.now(UTC).date()
    *plans, general = [folder / name for name in (*run.PLANS, GENERAL)]
    for path in (*plans, general):
        path.write_text(dates.shifted((EXAMPLES / path.name).read_text(), today))
    cast = Cast(folder, agencies_of(plans))
    cast.assemble(log_exists=False)
    running = site.start(
        processes, folder, cast, Ports(0, 0, 0, 0), plans, {**site.UPSTREAMS, "small": server}
    )
    order = (EXAMPLES / run.DIRECTIVE).read_text()
    gateway, upstream = (
        stack.enter_context(streams.connection(url)) for url in (running.gateway_url, running.upstream_url)
    )
    return Scene(running, Paperwork(running, cast, EXAMPLES), gateway, upstream, plans, general, order)
