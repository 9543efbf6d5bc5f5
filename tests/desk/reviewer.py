"""A reviewer at a desk without a browser: signed in, with a passkey that the agency has pinned."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

from cbor2 import dumps
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from starlette.requests import Request
from starlette.responses import Response
from webauthn.helpers import bytes_to_base64url

from sluicegate import ports
from sluicegate.acts.documents import SignedStatement
from sluicegate.client.signing import countersigned
from sluicegate.desk import people, statements
from sluicegate.desk.site import FRAME, DeskSite, Here, Work
from sluicegate.errors import CommandRefused
from sluicegate.http.entrance import Entrance, Visitor
from sluicegate.pages.page import Sent
from sluicegate.ports import PreparedStatement
from sluicegate.settings import HttpSettings
from sluicegate.signin import signatures
from sluicegate.signin.challenges import Challenges
from sluicegate.signin.door import Door, Known, SignedIn
from sluicegate.signin.origins import PagesOrigin
from sluicegate.signin.sessions import Sessions
from sluicegate.statements.cases import Review
from sluicegate.statements.kind import UnsignedStatement
from sluicegate.store.desk import SqliteDeskMemory, desk_database
from sluicegate.store.preparations import SqlitePreparations
from sluicegate.store.sign_ins import SqliteSignIns
from sluicegate_record.log.dsse import PAYLOAD_TYPE_INTOTO, pae
from sluicegate_record.log.publickey import PublicKey
from sluicegate_record.log.webauthn import RelyingParty
from sluicegate_record.statements.keys import PINS, KeyStatement
from tests.desk.conftest import Desk
from tests.passkeys import Passkey, key_of
from tests.worlds import private_key

PLACE = PagesOrigin("http://desk.localhost:8650")


class Reviewer:
    """Someone who is let in at a desk, and whose passkey its agency has pinned."""

    def __init__(self, desk: Desk, folder: Path, name: str = "anna") -> None:
        self.desk, self.name = desk, name
        self.site = _site(desk, folder)
        self.person = people.principal_of(name)
        self.passkey = Passkey(key_of(name, "p256"), RelyingParty(PLACE.host, PLACE.origin))
        self.site.memory.let_in(name)
        id_ = bytes_to_base64url(name.encode())
        cose = _cose(self.passkey)
        self.site.door.store.add_passkey(ports.Passkey(id_, self.person.id, "laptop", cose, 0, 1))
        self._pin()

    def _pin(self) -> None:
        key, log = self.passkey.public, self.desk.plane.ledger.vkey()
        stated = KeyStatement(
            log=log, party="ostp", owner=f"ostp.{self.name}", says=PINS, keyid=key.keyid, key=key.data,
            webauthn=key.passkey,
        )  # fmt: skip
        made = statements.prepared(self.desk.following, UnsignedStatement(stated), self.person)
        signed = signed_with(made, key, self.answer(made))
        envelope = countersigned(statements.exported(signed), private_key("ostp"))
        self.desk.counterpart.record_key(SignedStatement(envelope=envelope))
        self.desk.following.follow()

    def prepared(self, case: str, word: str = "approve", reason: str = "") -> PreparedStatement:
        """A position, made and kept, and not signed yet."""
        read = self.desk.following.read(case)
        assert read is not None
        stated = statements.position(self.desk.following, read, Review(word, reason))
        made = statements.prepared(self.desk.following, stated, self.person)
        self.site.preparations.put(made)
        return made

    def answer(self, found: PreparedStatement) -> str:
        """What the browser answers that asks the passkey for a signature."""
        made = self.passkey.signature(pae(PAYLOAD_TYPE_INTOTO, found.payload))
        assert made.webauthn is not None
        parts = {
            "signature": made.sig,
            "authenticatorData": made.webauthn.authenticator_data,
            "clientDataJSON": made.webauthn.client_data,
        }
        response = {name: bytes_to_base64url(each) for name, each in parts.items()}
        return json.dumps({"id": bytes_to_base64url(self.name.encode()), "response": response})

    def at(self, work: Work, sent: Sent | None = None, **path: str) -> Response:
        """The answer to this person. Raises: CommandRefused."""
        request = Request({"type": "http", "path_params": path, "query_string": b"", "headers": []})
        who = SignedIn(self.person, "session_1", secrets.token_hex(16))
        return work(self.site, Here(request, cast("Visitor", None), who, PLACE, sent or {}))

    def text(self, work: Work, sent: Sent | None = None, **path: str) -> str:
        """The same, as the text of the page, or of why there is none."""
        try:
            return bytes(self.at(work, sent, **path).body).decode()
        except CommandRefused as error:
            return error.message


def signed_with(found: PreparedStatement, key: PublicKey, answer: str) -> PreparedStatement:
    """A statement with one more signature, which is kept nowhere."""
    own = signatures.signature(found.payload, key, answer)
    return replace(found, signatures=(*found.signatures, own))


def _site(desk: Desk, folder: Path) -> DeskSite:
    database = desk_database(folder)
    memory, sign_ins = SqliteDeskMemory(database), SqliteSignIns(database)
    wall = desk.plane.wall
    door = Door(
        sign_ins,
        Sessions(sign_ins, wall, secrets.token_bytes),
        Challenges(wall, secrets.token_bytes),
        Known(partial(people.known, memory), lambda _: None),
        lambda _: "/",
        PLACE.origin,
        FRAME,
    )
    entrance = Entrance(people.NoTokens(), HttpSettings())
    return DeskSite({"openai": desk.following}, memory, SqlitePreparations(database), door, entrance, wall)


def _cose(passkey: Passkey) -> bytes:
    """The public key as an authenticator gives it: COSE, RFC 9052."""
    public: Any = passkey.key.public_key()
    assert isinstance(public, EllipticCurvePublicKey)
    at = public.public_numbers()
    return dumps({1: 2, 3: -7, -1: 1, -2: at.x.to_bytes(32, "big"), -3: at.y.to_bytes(32, "big")})
