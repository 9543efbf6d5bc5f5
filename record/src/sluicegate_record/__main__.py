"""`python -m sluicegate_record verify PATH|URL --key VKEY`: check a log, and each entry against the law.

`python -m sluicegate_record check FILE --key VKEY`: check an excerpt, that its entries are in the log.
`python -m sluicegate_record dossier FILE --key VKEY`: check a dossier, signed by the log's key.

Exit: 0 verified, 2 usage, 3 not a log, 4 unreachable, 5 verification failed.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from sluicegate_record import dossier, excerpt
from sluicegate_record.errors import SluicegateError, Unreachable, VerificationFailed
from sluicegate_record.form import Json
from sluicegate_record.log import checkpoint
from sluicegate_record.terms.text import shown
from sluicegate_record.verify import answer, verify, vkey, worded

UNREACHABLE, NOT_A_LOG, FAILED = 4, 3, 5


def main(arguments: list[str] | None = None) -> int:
    """Run the command line, and give its exit code."""
    asked = _parser().parse_args(arguments)
    try:
        code: int = asked.do(asked)
    except SluicegateError as error:
        return _failed(error, as_json=asked.json)
    return code


def _verify(asked: argparse.Namespace) -> int:
    found = verify(asked.where, vkey(asked.key), asked.since)
    _print(answer(found), worded(found), as_json=asked.json)
    return 0 if found.ok else FAILED


def _check(asked: argparse.Namespace) -> int:
    found = excerpt.read(asked.file, checkpoint.parse_vkey(vkey(asked.key)))
    _print(excerpt.answer(found), excerpt.worded(found), as_json=asked.json)
    return 0


def _dossier(asked: argparse.Namespace) -> int:
    found = dossier.read(asked.file, checkpoint.parse_vkey(vkey(asked.key)))
    _print(dossier.answer(found), dossier.worded(found), as_json=asked.json)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m sluicegate_record", description="Check the record of a staged model release."
    )
    parser.add_argument("--version", action="version", version=f"sluicegate-record {_version()}")
    commands = parser.add_subparsers(required=True, metavar="verify|check|dossier")
    _add_file(commands, "check", _check, "check that the entries of an excerpt are in the log", _CHECK)
    _add_file(commands, "dossier", _dossier, "check that a dossier is signed, and fits its entries", _DOSSIER)
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
    command.set_defaults(do=_verify)
    return parser


_CHECK = """
Check an excerpt of a log, such as the answer of 'sluicegate explain --json': the key signed its head, and
each of its entries is in the log of that head. It cannot show that no other entry changes what they come to.
"""
_DOSSIER = """
Check a dossier of 'sluicegate dossier': the log's key signed it, its entries are in the log, and what it says
of grants, positions, evidence, directives, the deployment and the finding is what they say. The rest is the
control plane's word.
"""


def _add_file(commands: Any, name: str, do: Callable[[Any], int], line: str, said: str) -> None:
    """A command that checks a file."""
    command = commands.add_parser(name, help=line, description=said)
    command.add_argument("file", metavar="FILE", type=Path, help="the file, JSON")
    command.add_argument(
        "--key", required=True, metavar="VKEY", help="the log's verifier key, or a file with it"
    )
    command.add_argument("--json", action="store_true", help="answer as JSON")
    command.set_defaults(do=do)


def _version() -> str:
    try:
        return version("sluicegate-record")
    except PackageNotFoundError:
        return "unknown: it is not installed as a package"


def _print(said: Mapping[str, Json], text: str, *, as_json: bool) -> None:
    print(json.dumps(said, indent=2) if as_json else text)  # noqa: T201 - a command line


def _failed(error: SluicegateError, *, as_json: bool) -> int:
    said = {"error": {"code": error.code, "message": error.message, "remedy": error.remedy}}
    lines: Iterable[str] = map(shown, filter(None, (error.message, error.remedy)))
    print(json.dumps(said) if as_json else "\n".join(lines), file=sys.stderr)  # noqa: T201 - likewise
    if isinstance(error, Unreachable):
        return UNREACHABLE
    return FAILED if isinstance(error, VerificationFailed) else NOT_A_LOG


if __name__ == "__main__":
    sys.exit(main())
