"""Settings for all tests."""

from __future__ import annotations

import pytest
from hypothesis import settings

pytest.register_assert_rewrite(
    *(f"tests.store.{port}_contract" for port in ("log", "outbox", "principals", "fleet", "transactions"))
)

settings.register_profile(
    "sluicegate", deadline=None, print_blob=True
)  # how busy the machine is, fails no test
settings.load_profile("sluicegate")
