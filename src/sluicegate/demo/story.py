"""`demo story`: the whole of Sluicegate once, by real processes over real sockets, checked at every step.

A step that is not as told ends the story: the others are listed as not tried, and the report is not ok.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sluicegate.core import document, plan
from sluicegate.demo import dates, site
from sluicegate.demo.cast import Cast
from sluicegate.demo.examples import examples_folder
from sluicegate.demo.paperwork import Paperwork
from sluicegate.demo.processes import Processes
from sluicegate.demo.site import Ports
from sluicegate.demo.story_access import AccessPart
from sluicegate.demo.story_order import OrderPart
from sluicegate.demo.story_record import RecordPart
from sluicegate.demo.telling import Page, Report, Say, Step, not_tried, tell
