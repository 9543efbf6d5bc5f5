"""Themes about the log's own key: who hands it over, to which key, and after which head. They come last: what
follows is signed by another key.
"""

from __future__ import annotations

from typing import Any

from tests.vectors.history import History
from tests.worlds import LOG_2, LOG_3, OFFICER, OTHER_OFFICER, handover, log_vkey


def _is_handed_over(h: History) -> None:
    now: Any = {"signed_at_ms": h.now_ms}
    h.no("other_log", handover(h.entries, LOG_2, "log", LOG_2, log=log_vkey("other"), **now))
    h.no("log_key_moved", handover(h.entries, LOG_3, LOG_2, LOG_3, before=LOG_2, **now))
    h.no("signature_invalid", handover(h.entries, LOG_2, "log", **now))
    h.no("second_officer", handover(h.entries, LOG_2, LOG_2, OFFICER, **now))
    h.must(handover(h.entries, LOG_2, "log", LOG_2, **now), by="log")
    h.no("log_key_moved", handover(h.entries, LOG_2, "log", LOG_2, **now))


def _is_taken_over(h: History) -> None:
    """The key is lost, and two officers sign."""
    now: Any = {"before": LOG_2, "signed_at_ms": h.now_ms}
    h.no("second_officer", handover(h.entries, LOG_3, LOG_3, OFFICER, "oncd", **now))
    h.must(handover(h.entries, LOG_3, LOG_3, OFFICER, OTHER_OFFICER, **now), by="log")


HANDED_OVER = (_is_handed_over, _is_taken_over)
