"""`demo story`: all of Sluicegate once, with real processes and real sockets, and a check at every step.

Rules:
- It runs in a new folder and on free ports. When it is over, all its processes have ended.
- A step that fails its check ends the story: the later steps are listed as not tried, and the report is not
  ok.
- The folder stays only if a check failed, for people who look for the reason.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from demo import dates, run, site
from demo.cast import Cast, agencies_of
from demo.examples import EXAMPLES
from demo.paperwork import Paperwork
from demo.processes import Processes
from demo.scene import Scene
from demo.site import Ports
from demo.story_admission import Admission
from demo.story_order import Order
from demo.story_record import Record
from demo.telling import Report, Say, Step, report, tell
from sluicegate.errors import InvalidInput

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
    "verified",
    "tampered",
)


def story(base: Path, output: Path, say: Say) -> Report:
    """Tell the story in a new folder under `base`; write the report to `output` and return it.

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
            _tell(processes, folder, steps, say)
    finally:
        told = report(STEPS, steps, time.monotonic() - began)
        told.write(output)
    if processes.stopping:
        raise KeyboardInterrupt
    if told.ok:
        shutil.rmtree(folder)
    return told


def _tell(processes: Processes, folder: Path, steps: list[Step], say: Say) -> None:
    with ExitStack() as stack:
        scene = _set_up(processes, folder)
        admission, order, record = Admission(scene), Order(scene, stack), Record(scene)
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
            record.verified,
            record.tampered,
        )
        tell(parts, steps, say)


def _set_up(processes: Processes, folder: Path) -> Scene:
    today = datetime.now(UTC).date()
    plans = [folder / name for name in run.PLANS]
    for path in plans:
        path.write_text(dates.shifted((EXAMPLES / path.name).read_text(), today))
    cast = Cast(folder, agencies_of(plans))
    cast.assemble(log_exists=False)
    running = site.start(processes, folder, cast, Ports(0, 0, 0, 0), plans)
    order = (EXAMPLES / run.DIRECTIVE).read_text()
    return Scene(running, Paperwork(running, cast, EXAMPLES), plans, order)
