"""Parties whose statements another program signs, with key ids of its own: by key files, and by a token.

The token is SoftHSM's. Where that is not installed, the test with a token is skipped.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pkcs11
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pkcs11.util.ec import encode_named_curve_parameters
from securesystemslib.dsse import Envelope as ForeignEnvelope
from securesystemslib.signer import CryptoSigner, HSMSigner, Signer, SSlibKey

from sluicegate.client import export
from sluicegate_record.log.canonical import b64
from sluicegate_record.log.dsse import PAYLOAD_TYPE_INTOTO
from sluicegate_record.statements.cases import Position
from sluicegate_record.statements.releases import StageOpening
from tests.cli.commands import Cli
from tests.crash.customers import admitted, application
from tests.crash.parties import AGENCIES, OFFICER, Parties
from tests.crash.plane import Plane, Site, started
from tests.crash.test_earlier_build import TwoBuilds, _asked
from tests.waiting import eventually

PIN = "1234"
LIBRARIES = [
    Path("/usr/lib/softhsm/libsofthsm2.so"),
    *Path("/usr/lib").glob("*/softhsm/libsofthsm2.so"),
    Path("/usr/local/lib/softhsm/libsofthsm2.so"),
]
Ours = Callable[[str], Signer]


class ForeignParties(Parties):
    """Parties that sign with a foreign library, each with its signer."""

    def __init__(self, signers: dict[str, Signer]) -> None:
        super().__init__()
        self.signers = signers

    def position(self, exported: dict[str, Any], agency: str) -> dict[str, Any]:
        case = export.read(exported)
        said = Position(
            question=case.question,
            agency=agency,
            position="approve",
            reason="",
            previous=case.previous.get(agency),
        )
        return self._signed(said.payload(), agency)

    def opening(self, opening: dict[str, str]) -> dict[str, Any]:
        return self._signed(StageOpening.from_json(opening).payload(), OFFICER)

    def _signed(self, payload: bytes, name: str) -> dict[str, Any]:
        envelope = ForeignEnvelope(payload, PAYLOAD_TYPE_INTOTO, {})
        envelope.sign(self.signers[name])
        found: dict[str, Any] = envelope.to_dict()
        return found

    def _public(self, name: str) -> str:
        key = self.signers[name].public_key
        assert isinstance(key, SSlibKey)
        public = str(key.keyval["public"])  # PEM, or the hexadecimal digits of an Ed25519 key
        return b64(bytes.fromhex(public)) if key.keytype == "ed25519" else public


def by_file(key: Any, keyid: str) -> Signer:
    """A signer with a key file, whose key id is its own."""
    return CryptoSigner(key, SSlibKey.from_crypto(key.public_key(), keyid))


@pytest.fixture(scope="session")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ours]:
    """Makes keys on a new token in software, and gives signers that use them."""
    library = next((each for each in LIBRARIES if each.exists()), None)
    tool = shutil.which("softhsm2-util")
    if library is None or tool is None:
        pytest.skip("SoftHSM is not installed: nothing is signed by a token")
    folder = tmp_path_factory.mktemp("token")
    (folder / "tokens").mkdir()
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder / 'tokens'}\nlog.level = ERROR\n")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SOFTHSM2_CONF", str(folder / "softhsm2.conf"))
        environment.setenv("PYKCS11LIB", str(library))
        words = [tool, "--init-token", "--free", "--label", "agency", "--pin", PIN, "--so-pin", PIN]
        subprocess.run(words, check=True, capture_output=True)
        yield _on_token


def _on_token(curve: str) -> Signer:
    """A signer with a new key on the token. Its key never leaves the token."""
    number = {"secp256r1": 1, "secp384r1": 2}[curve]
    found = pkcs11.lib(os.environ["PYKCS11LIB"]).get_token(token_label="agency")
    with found.open(rw=True, user_pin=PIN) as session:
        parameters = session.create_domain_parameters(
            pkcs11.KeyType.EC,
            {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters(curve)},
            local=True,
        )
        parameters.generate_keypair(store=True, id=bytes([number]), label=curve)
    uri, public = HSMSigner.import_(number, "agency", lambda _: PIN)
    return Signer.from_priv_key_uri(uri, public, lambda _: PIN)


def test_key_files_of_every_algorithm_sign(site: Site) -> None:
    signers = {
        OFFICER: by_file(Ed25519PrivateKey.generate(), "an officer's card"),
        "oncd": by_file(ec.generate_private_key(ec.SECP256R1()), "arn:example:key/1"),
        "ostp": by_file(ec.generate_private_key(ec.SECP384R1()), "projects/ostp/cryptoKeys/sign/1"),
    }
    _admits(site, signers)


def test_a_token_signs(site: Site, token: Ours) -> None:
    signers = {
        OFFICER: by_file(Ed25519PrivateKey.generate(), "an officer's card"),
        "oncd": token("secp256r1"),
        "ostp": token("secp384r1"),
    }
    _admits(site, signers)


def _admits(site: Site, signers: dict[str, Signer]) -> None:
    """A gateway with a trust file lets in whom they admit, and the log is lawful."""
    parties = ForeignParties(signers)
    plane = TwoBuilds(site, site.launcher, trusting=True, parties=parties)
    cli = Cli(site.folder, site.launcher)
    with started(plane):
        with closing(plane.developer()) as client:
            secret = admitted(client, parties, "Example Utility")
            case = client.do(application("Second Utility"))["application"]
        eventually(lambda: _asked(plane, secret) == 200)
        for agency in AGENCIES:
            _import(plane, cli, parties, case, agency)
        shown = cli(
            "application", "show", case, "--json", url=plane.control_url, token=plane.token("developer")
        ).answer
        assert shown["grant"]["grant"], shown
        verified = cli("ledger", "verify", plane.database, "--key", plane.vkey)
        assert verified.code == 0, verified


def _import(plane: Plane, cli: Cli, parties: ForeignParties, case: str, agency: str) -> None:
    """An agency exports a case, lets its program sign, and brings the envelope."""
    to = {"url": plane.control_url, "token": plane.token(agency)}
    exported = plane.folder / f"{agency}.json"
    assert cli("review", "export", case, "-o", exported, **to).code == 0
    given = plane.folder / f"{agency}.signed.json"
    given.write_text(json.dumps(parties.position(json.loads(exported.read_text()), agency)))
    done = cli("review", "import", given, **to)
    assert done.code == 0, done
