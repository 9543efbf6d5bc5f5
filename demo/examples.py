"""Where the example files are: in the project's folder, as this package is."""

from __future__ import annotations

from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
"""The folder of the example plans, organizations and directives."""
