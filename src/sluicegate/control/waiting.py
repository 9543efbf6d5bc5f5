"""Acts that wait for something outside, and hold no thread meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sluicegate.acts.act import Answer, AnyAct
from sluicegate.control.plane import ControlPlane
from sluicegate.core.lifecycle import Refusal
from sluicegate.service.context import Context

Waiting = Callable[[ControlPlane, Context[Any], Any], Awaitable[Answer | Refusal]]
WAITING: dict[AnyAct, Waiting] = {}
"""The function of each of these acts."""
