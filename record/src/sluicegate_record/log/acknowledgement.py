"""Acknowledgements: what one run of a gateway has folded, signed with the key of that run.

Rules:
- A run makes its key, and shows it with its first question. The key speaks for that run alone.
- The signed part is small, and anyone may see it. `rest` is the digest of the other fields of the question,
  including its random nonce. So it shows nothing that the gateway reports.
- The root binds `after` to one log: it is the root of exactly the entries that the run has folded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sluicegate_record.errors import BadSignature, InvalidInput, SluicegateError
from sluicegate_record.log import canonical, dsse, publickey

PAYLOAD_TYPE = "application/vnd.sluicegate.ask.v1+json"


@dataclass(frozen=True, slots=True)
class SignedQuestion:
    """What the signature of a question covers: some of its fields unchanged, and `rest`.

    Units: `key` is the run's public key, base64; `rest` the digest of every other field of the question.
    """

    gateway: str
    incarnation: str
    surface: str
    after: int
    root: str
    fold: int
    key: str
    rest: str

    @classmethod
    def from_json(cls, value: Any) -> SignedQuestion:
        """Read the signed part. Raises: BadSignature: a field is missing, unknown or has another type."""
        is_whole = isinstance(value, dict) and value.keys() == _KINDS.keys()
        if not is_whole or any(type(value[name]) is not kind for name, kind in _KINDS.items()):
            raise BadSignature(f"an acknowledgement that is malformed, expected {', '.join(_KINDS)} and sig")
        return cls(**value)

    def to_json(self) -> dict[str, Any]:
        """The object that is signed."""
        return {name: getattr(self, name) for name in _KINDS}

    @property
    def run(self) -> tuple[str, str, str]:
        """The run and the gateway that it names, and the key that it shows."""
        return self.gateway, self.incarnation, self.key


_NUMBERS = frozenset({"after", "fold"})
_KINDS: dict[str, type] = {
    each.name: int if each.name in _NUMBERS else str for each in fields(SignedQuestion)
}
FIELDS = tuple(name for name in _KINDS if name != "rest")
"""The fields of a question that its signature covers unchanged."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A verified acknowledgement. `sig` is base64."""

    ask: SignedQuestion
    sig: str

    @property
    def key(self) -> bytes:
        """The run's public key, 32 raw bytes."""
        return canonical.unb64(self.ask.key)


def signed(question: Mapping[str, Any], key: Ed25519PrivateKey) -> dict[str, Any]:
    """A question with the `key` and `sig` of the run that asks.

    Requires: it has all of FIELDS except the key.
    """
    shown = {**question, "key": canonical.b64(key.public_key().public_bytes_raw())}
    return {**shown, "sig": canonical.b64(key.sign(_message(_ask(shown))))}


def read(question: Mapping[str, Any]) -> Acknowledgement | None:
    """The acknowledgement in a question, verified with its own key; None if the question shows no key.

    Requires: the question is exactly what was sent. The caller must know who owns the key.
    Raises:   InvalidInput: a key without the fields that it signs. BadKey. BadSignature.
    """
    if question.get("key") is None and question.get("sig") is None:
        return None
    missing = [name for name in (*FIELDS, "sig") if question.get(name) is None]
    if missing:
        raise InvalidInput(f"a signed question without {missing[0]!r}, expected {', '.join(FIELDS)} and sig")
    sig = question.get("sig")
    found = Acknowledgement(_ask(question), sig if isinstance(sig, str) else "")
    check(found)
    return found


def check(found: Acknowledgement) -> None:
    """Check that the key in an acknowledgement has signed it.

    Raises: BadSignature: it has not. BadKey: not a key.
    """
    public = publickey.load_ed25519(found.ask.key)
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(canonical.unb64(found.sig), _message(found.ask))
    except (InvalidSignature, SluicegateError) as error:
        raise BadSignature(
            f"a question of {found.ask.gateway[:64]!r} that the key it shows did not sign",
            remedy="sign every field of the question as it is sent",
        ) from error


def _ask(question: Mapping[str, Any]) -> SignedQuestion:
    rest = {name: value for name, value in question.items() if name not in FIELDS and name != "sig"}
    return SignedQuestion.from_json(
        {**{name: question[name] for name in FIELDS}, "rest": canonical.digest(rest)}
    )


def _message(ask: SignedQuestion) -> bytes:
    return dsse.pae(PAYLOAD_TYPE, canonical.dumps(ask.to_json()))
