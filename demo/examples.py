"""Where the example files are: in the project's folder, beside this package."""

from __future__ import annotations

from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
"""The folder of the example plans, organizations and directives."""
