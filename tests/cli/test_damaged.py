"""Damaged files of each kind that the command line reads: a typed error, never a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sluicegate.cli.main import program
from sluicegate.core.terms import document, trust
from sluicegate.errors import SluicegateError, WrongUsage
from sluicegate_record import dossier, excerpt
from sluicegate_record.log import checkpoint
from sluicegate_record.terms.text import shown
from tests.cli.commands import EXAMPLES, NOBODY
from tests.worlds import ORIGIN, private_key

VKEY = checkpoint.vkey(ORIGIN, private_key("log").public_key().public_bytes_raw())
FILE, KEY, FOLDER = "FILE", "KEY", "FOLDER"
"""What stands for the damaged file, for a whole key, and for a folder with the damaged file as its head."""
READ: dict[str, tuple[str, ...]] = {
    "a private key": ("stage", "open", "r", "s", "--key", FILE),
    "a key to show": ("keys", "show", FILE),
    "a point's public key": ("point", "declare", "p", "--surface", "api", "--public", FILE, "--key", KEY),
    "a verifier key": ("ledger", "checkpoint", "--key", FILE),
    "a checkpoint that was kept": ("ledger", "verify", FOLDER, "--key", VKEY, "--since", FILE),
    "a checkpoint to compare with": ("ledger", "diff", FILE, "--from", FOLDER),
    "a database": ("ledger", "verify", FILE, "--key", VKEY),
    "a token to keep": ("login", "--url", NOBODY, "--token-file", FILE),
    "a plan": ("plan", FILE),
    "a plan to apply": ("apply", FILE),
    "a directive": ("directive", "preview", FILE),
    "a directive to sign": ("directive", "sign", FILE, "-o", "OUT", "--key", KEY),
    "a signed directive": ("directive", "issue", FILE, "--yes"),
    "organizations of a lift": ("directive", "lift", "d", "--organizations", FILE),
    "an organization": ("account", "open", "--organization", FILE),
    "an exported case": ("review", "sign", FILE, "--position", "approve", "--key", KEY, "-o", "OUT", "--yes"),
    "cases of a schedule": ("review", "schedule", FILE, "--position", "object", "--key", KEY, "-o", "OUT"),
    "a signed position": ("review", "import", FILE),
    "a position to countersign": ("review", "countersign", FILE, "--key", KEY, "-o", "OUT", "--yes"),
    "members": ("member", "import", FILE, "--grant", "grant_aaaaaaaaaaaaaaaa"),
    "keys to import": ("credential", "import", FILE),
    "a key set": ("provider", "add", "--grant", "grant_aaaaaaaaaaaaaaaa", "--issuer", "https://i.example",
                  "--audience", "a", "--algorithm", "ES256", "--jwks", FILE),
    "an assertion": ("member", "claim", "mem_aaaaaaaaaaaaaaaa", "--assertion", FILE),
    "a log of an evaluation": ("evidence", "import", FILE, "--release", "r", "--evaluation", "e", "--model",
                               "m", "--key", KEY),
    "a preset": ("preset", "show", FILE),
}  # fmt: skip
WHOLE = (EXAMPLES / "gpt-5.6-preview.yaml").read_bytes()
DAMAGED = {
    "nothing": b"",
    "one brace": b"{",
    "a list": b"[]",
    "null": b"null",
    "a number": b"1",
    "an object of another kind": b'{"a": {"b": [1]}}',
    "bytes": bytes(range(256)) * 4,
    "zeros": bytes(1_000),
    "UTF-16 that ends within a letter": "name".encode("utf-16") + b"a",
    "Windows-1252": "name: caf\xe9\n".encode("cp1252"),
    "nested": b"[" * 20_000,
    "a key twice": b'{"a": 1, "a": 1}',
    "a whole plan, cut": WHOLE[: len(WHOLE) // 2],
    "a surrogate": b'{"a": "\\ud800"}',
    "a huge number": b'{"a": 1' + b"0" * 5_000 + b"}",
    "an SQLite header": b"SQLite format 3\x00" + bytes(200),
    "a zip": b"PK\x03\x04" + bytes(100),
    "PEM": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
}


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SLUICEGATE_URL", NOBODY)
    monkeypatch.setenv("SLUICEGATE_TOKEN", "")
    monkeypatch.setenv("SLUICEGATE_PASSPHRASE", "")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    program()(["keys", "generate", "-o", "KEY"], standalone_mode=False)
    return tmp_path


@pytest.mark.parametrize("kind", READ)
def test_a_damaged_file_is_refused(there: Path, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = list(READ[kind])
    for number, (how, data) in enumerate(DAMAGED.items()):
        file, folder = there / f"file-{number}", there / f"folder-{number}"
        folder.mkdir()
        for path in (file, folder / "checkpoint"):
            path.write_bytes(data)
            path.chmod(0o600)
        words = [
            {FILE: str(file), FOLDER: str(folder), KEY: str(there / "KEY")}.get(each, each)
            for each in command
        ]
        with pytest.raises(SluicegateError) as refused:
            program()(words, standalone_mode=False)
        assert not isinstance(refused.value, WrongUsage), (how, refused.value)
        assert refused.value.message == shown(refused.value.message), how
        assert not list(there.glob("OUT*")), how


@pytest.mark.parametrize("read", [trust.read, trust.read_gateway])
def test_a_damaged_trust_file_is_refused(read) -> None:
    for how, data in DAMAGED.items():
        with pytest.raises(SluicegateError):
            read(document.read(data, how))


@pytest.mark.parametrize("read", [excerpt.read, dossier.read])
def test_a_damaged_excerpt_or_dossier_is_refused(there: Path, read) -> None:
    verifier = checkpoint.parse_vkey(VKEY)
    signed = json.dumps({"checkpoint": "a", "entries": [{"seq": 0}], "envelope": {}}).encode()
    for data in (*DAMAGED.values(), signed):
        file = there / "file"
        file.write_bytes(data)
        with pytest.raises(SluicegateError):
            read(file, verifier)
