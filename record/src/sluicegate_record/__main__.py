"""`python -m sluicegate_record verify PATH|URL --key VKEY`: check a log, and each entry against the law.

Exit: 0 verified, 2 usage, 3 not a log, 4 unreachable, 5 verification failed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sluicegate_record.audit import Audit
from sluicegate_record.errors import SluicegateError, Unreachable, VerificationFailed
from sluicegate_record.terms.text import shown
from sluicegate_record.verify import answer, verify, vkey, worded

UNREACHABLE, NOT_A_LOG, FAILED = 4, 3, 5


def main(arguments: list[str] | None = None) -> int:
    """Run the command line, and give its exit code."""
    asked = _parser().parse_args(arguments)
    try:
        found = verify(asked.where, vkey(asked.key), asked.since)
    except SluicegateError as error:
        return _failed(error, as_json=asked.json)
    _print(found, as_json=asked.json)
    return 0 if found.ok else FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sluicegate_record", description="Check the record of a staged model release."
    )
    parser.add_argument("--version", action="version", version=f"sluicegate-record {_version()}")
    commands = parser.add_subparsers(required=True, metavar="verify")
    command = commands.add_parser(
        "verify",
        help="verify a log: its signed head, every entry, the law, proofs of being in force",
        description="Verify a log: its signed head, every entry, that they belong together, that each is "
        "lawful, and proofs of being in force. What could not be checked is counted.",
    )
    command.add_argument("where", metavar="PATH|URL", help="URL, exported folder or ledger.db")
    command.add_argument(
        "--key", required=True, metavar="VKEY", help="the log's verifier key, or a file with it"
    )
    command.add_argument(
        "--since", type=Path, metavar="FILE", help="an older checkpoint that the log must continue from"
    )
    command.add_argument("--json", action="store_true", help="answer as JSON")
    return parser


def _version() -> str:
    try:
        return version("sluicegate-record")
    except PackageNotFoundError:
        return "unknown: it is not installed as a package"


def _print(found: Audit, *, as_json: bool) -> None:
    print(json.dumps(answer(found), indent=2) if as_json else worded(found))  # noqa: T201 - a command line


def _failed(error: SluicegateError, *, as_json: bool) -> int:
    said = {"error": {"code": error.code, "message": error.message, "remedy": error.remedy}}
    lines: Iterable[str] = map(shown, filter(None, (error.message, error.remedy)))
    print(json.dumps(said) if as_json else "\n".join(lines), file=sys.stderr)  # noqa: T201 - likewise
    if isinstance(error, Unreachable):
        return UNREACHABLE
    return FAILED if isinstance(error, VerificationFailed) else NOT_A_LOG


if __name__ == "__main__":
    sys.exit(main())
