"""Settings for all tests."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile(
    "sluicegate", deadline=None, print_blob=True
)  # how busy the machine is, fails no test
settings.load_profile("sluicegate")
