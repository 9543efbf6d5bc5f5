"""The life of releases, cases, grants, credentials and directives: `decide(state, command, now)`.

Rules:
- Pure: the same state, command, time and entropy give the same entries.
- A refusal changes nothing. What is decided is a list of drafts; the writer gives them their place.
- One module a family of commands; the command is a dataclass, its rules one function beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sluicegate.core.events import Entropy
from sluicegate.core.lifecycle import cases, credentials, directives, keys, releases
from sluicegate.core.lifecycle.answer import Decided, Refusal
from sluicegate.core.lifecycle.state import State

__all__ = ["Command", "Decided", "Refusal", "State", "decide"]

Command = (
    keys.StartLog
    | releases.ApplyPlan
    | releases.OpenStage
    | cases.SubmitApplication
    | cases.RecordPosition
    | credentials.IssueCredential
    | credentials.RevokeCredential
    | directives.IssueDirective
    | directives.OpenLift
)

_DECIDERS: dict[type, Callable[[State, Any, int, Entropy], Decided | Refusal]] = {
    keys.StartLog: keys.start_log,
    releases.ApplyPlan: releases.apply_plan,
    releases.OpenStage: releases.open_stage,
    cases.SubmitApplication: cases.submit_application,
    cases.RecordPosition: cases.record_position,
    credentials.IssueCredential: credentials.issue_credential,
    credentials.RevokeCredential: credentials.revoke_credential,
    directives.IssueDirective: directives.issue_directive,
    directives.OpenLift: directives.open_lift,
}


def decide(state: State, command: Command, now_ms: int, entropy: Entropy) -> Decided | Refusal:
    """Decide a command.

    Units:  now_ms milliseconds since 1970 UTC, never earlier than `state.at_ms`.
    Raises: InvalidInput: the command is malformed.
    """
    return _DECIDERS[type(command)](state, command, now_ms, entropy)
