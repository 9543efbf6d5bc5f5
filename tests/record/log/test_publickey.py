from __future__ import annotations

import base64
import dataclasses
import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from hypothesis import given
from hypothesis import strategies as st

from sluicegate.errors import BadKey
from sluicegate_record.log import dsse, publickey
from sluicegate_record.log.dsse import Envelope, Signature, pae, sign, verify
from sluicegate_record.log.publickey import PublicKey, keyid, load
from tests.passkeys import ALGORITHMS, PARTY, key_of, pem_of

KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
PUBLIC = KEY.public_key().public_bytes_raw()

# Forms


@given(st.binary(min_size=32, max_size=32))
def test_public_keys_are_read(seed: bytes) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    raw = key.public_key().public_bytes_raw()

    assert load(pem_of(key)) == raw
    assert load(base64.b64encode(raw).decode() + "\n") == raw


ORDER_8 = "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"
ITS_OPPOSITE = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"


@pytest.mark.parametrize(
    "point",
    [
        "00" * 32,
        "00" * 31 + "80",
        "01" + "00" * 31,
        "01" + "00" * 30 + "80",
        "ec" + "ff" * 30 + "7f",
        "ec" + "ff" * 31,
        ORDER_8,
        ORDER_8[:-2] + "85",
        ITS_OPPOSITE,
        ITS_OPPOSITE[:-2] + "fa",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
        "f0" + "ff" * 30 + "7f",
        "ff" * 32,
        "02" + "00" * 31,
    ],
)
def test_points_under_which_anybody_could_sign(point: str) -> None:
    raw = bytes.fromhex(point)
    as_pem = b"-----BEGIN PUBLIC KEY-----\n%b\n-----END PUBLIC KEY-----\n" % base64.b64encode(
        bytes.fromhex("302a300506032b6570032100") + raw
    )

    for text in (base64.b64encode(raw).decode(), as_pem.decode()):
        with pytest.raises(BadKey, match="no point of large order"):
            load(text)


SECRET = KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no key",
        PUBLIC.hex(),
        base64.b64encode(PUBLIC[:31]).decode(),
        base64.b64encode(PUBLIC + b"x").decode(),
        base64.b64encode(PUBLIC).decode()[:-1],
        pem_of(KEY).replace("-----END", "----END"),
        pem_of(KEY).replace("MCo", "MCp"),
        pem_of(X25519PrivateKey.from_private_bytes(b"\x01" * 32)),
        SECRET,
        SECRET.partition("\n")[2],
        "\ud800",
    ],
)
def test_other_keys_are_refused(text: str) -> None:
    with pytest.raises(BadKey) as caught:
        load(text)
    assert SECRET.splitlines()[1][:20] not in caught.value.message
    assert len(caught.value.message.splitlines()) == 1


@pytest.mark.parametrize("algorithm", ["p256", "p384"])
def test_a_key_on_a_curve_is_its_public_key_info(algorithm: str) -> None:
    key = key_of("oncd", algorithm)
    info = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    assert load(pem_of(key)) == load(base64.b64encode(info).decode()) == publickey.of(key) == info
    assert keyid(info) == hashlib.sha256(info).hexdigest()


def test_an_ed25519_key_has_one_form_and_one_id() -> None:
    info = base64.b64decode("".join(pem_of(KEY).splitlines()[1:-1]))

    assert load(base64.b64encode(info).decode()) == PUBLIC
    assert keyid(info) == keyid(PUBLIC)
    with pytest.raises(BadKey, match="as der"):
        PublicKey(info).check()


def on(curve: Any) -> str:
    return pem_of(ec.generate_private_key(curve))


def with_point(point: bytes, before: str = "3059301306072a8648ce3d020106082a8648ce3d030107034200") -> str:
    return base64.b64encode(bytes.fromhex(before) + point).decode()


POINT = key_of("oncd", "p256").public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
COMPRESSED = key_of("oncd", "p256").public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def test_a_point_is_read_as_it_is() -> None:
    assert load(with_point(POINT)) == publickey.of(key_of("oncd", "p256"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (pem_of(rsa.generate_private_key(65_537, 2_048)), "RSAPublicKey, expected ed25519, or ecdsa"),
        (on(ec.SECP521R1()), "curve secp521r1, expected ed25519, or ecdsa"),
        (on(ec.SECP224R1()), "curve secp224r1"),
        (on(ec.SECP192R1()), "curve secp192r1"),
        (on(ec.SECP256K1()), "curve secp256k1"),
        (on(ec.BrainpoolP256R1()), "curve brainpoolP256r1"),
        (with_point(POINT[:-1] + bytes([POINT[-1] ^ 1])), "public key of 91 bytes"),
        (with_point(POINT[:1] + bytes(64)), "public key of 91 bytes"),
        (with_point(POINT) + "AA==", "expected pem, or base64"),
        (with_point(COMPRESSED, "3039301306072a8648ce3d020106082a8648ce3d030107032200"), "the whole point"),
        (with_point(b"\0", "3019301306072a8648ce3d020106082a8648ce3d030107030200"), "public key of 27 bytes"),
        (with_point(POINT, "3059301306072a8648ce3d020106082a8648ce3d030107034201"), "public key of 91 bytes"),
    ],
    ids=[
        "RSA", "P-521", "P-224", "P-192", "secp256k1", "brainpool", "off the curve", "zero", "more",
        "compressed", "infinity", "unused bits",
    ],
)  # fmt: skip
def test_other_curves_and_points_are_refused(text: str, message: str) -> None:
    with pytest.raises(BadKey) as caught:
        load(text)
    assert message in caught.value.message


def test_only_an_ed25519_key_speaks_where_only_that_is_expected() -> None:
    assert publickey.load_ed25519(pem_of(KEY)) == PUBLIC
    with pytest.raises(BadKey, match="expected an ed25519 key"):
        publickey.load_ed25519(pem_of(key_of("oncd", "p256")))


# What an earlier build takes for a key: 32 raw bytes, and no other length.


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("is_passkey", [False, True])
def test_no_other_key_can_be_taken_for_an_ed25519_key(algorithm: str, is_passkey: bool) -> None:
    party = PARTY if is_passkey else None
    pinned = PublicKey.pinned(pem_of(key_of("oncd", algorithm)), party)
    pinned.check()
    assert (len(pinned.data) == 32) is (algorithm == "ed25519" and not is_passkey)
    assert pinned.keyid == keyid(publickey.of(key_of("oncd", algorithm)))


def test_a_passkey_is_not_raw_bytes() -> None:
    with pytest.raises(BadKey, match="as raw bytes"):
        PublicKey(PUBLIC, PARTY).check()


# Signatures


PAYLOAD = b'{"position":"approve"}'
OWNERS = ("oncd", "ostp", "bis")
SIGNERS = {(owner, algorithm): key_of(owner, algorithm) for owner in OWNERS for algorithm in ALGORITHMS}
PINNED = {keyid(publickey.of(key)): PublicKey(publickey.of(key)) for key in SIGNERS.values()}


def name_of(owner: str, algorithm: str) -> str:
    return keyid(publickey.of(SIGNERS[owner, algorithm]))


def joined(*signatures: Signature, payload: bytes = PAYLOAD) -> Envelope:
    return Envelope(dsse.PAYLOAD_TYPE_INTOTO, payload, signatures)


MADE = {
    who: sign(dsse.PAYLOAD_TYPE_INTOTO, PAYLOAD, key).signatures[0]  # an ECDSA signature is never the same
    for who, key in SIGNERS.items()
}


def by(owner: str, algorithm: str, hint: str | None = None) -> Signature:
    made = MADE[owner, algorithm]
    return made if hint is None else dataclasses.replace(made, keyid=hint)


who = st.tuples(st.sampled_from(OWNERS), st.sampled_from(ALGORITHMS))
hints = st.one_of(st.none(), st.sampled_from(["", "my-hsm", *PINNED]))


@given(st.lists(st.tuples(who, hints), max_size=16))
def test_hints_only_say_which_key_to_try_first(signing: list[Any]) -> None:
    envelope = joined(*(by(each[0], each[1], hint) for each, hint in signing))
    assert verify(envelope, PINNED) == {name_of(*each) for each, _ in signing}


@given(st.lists(st.tuples(who, hints), max_size=6), st.sets(st.sampled_from(sorted(PINNED))))
def test_only_the_keys_asked_about_count(signing: list[Any], asked: set[str]) -> None:
    envelope = joined(*(by(each[0], each[1], hint) for each, hint in signing))
    keys = {name: PINNED[name] for name in asked}
    assert verify(envelope, keys) == {name_of(*each) for each, _ in signing} & asked


def test_a_key_id_may_be_left_out() -> None:
    found = joined(by("oncd", "p256")).to_json()
    del found["signatures"][0]["keyid"]
    envelope = Envelope.from_json(found)
    assert verify(envelope, PINNED) == {name_of("oncd", "p256")}
    assert envelope.to_json()["signatures"][0]["keyid"] == ""


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@given(data=st.data())
def test_any_altered_byte_fails(algorithm: str, data: st.DataObject) -> None:
    made = by("oncd", algorithm)
    at, flip = data.draw(st.integers(0, len(made.sig) - 1)), data.draw(st.integers(1, 255))
    altered = bytes(each ^ flip if i == at else each for i, each in enumerate(made.sig))
    assert not verify(joined(dataclasses.replace(made, sig=altered)), PINNED)
    at = data.draw(st.integers(0, len(PAYLOAD) - 1))
    other = bytes(each ^ flip if i == at else each for i, each in enumerate(PAYLOAD))
    assert not verify(joined(made, payload=other), PINNED)


@pytest.mark.parametrize("algorithm", ["p256", "p384"])
def test_a_signature_made_from_another_is_the_same_signer(algorithm: str) -> None:
    """ECDSA signatures are malleable: nothing may count, name or compare them."""
    key = SIGNERS["oncd", algorithm]
    order = {
        "p256": 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        "p384": int("f" * 48 + "c7634d81f4372ddf581a0db248b0a77aecec196accc52973", 16),
    }[algorithm]
    made = by("oncd", algorithm)
    r, s = decode_dss_signature(made.sig)
    twin = dataclasses.replace(made, sig=encode_dss_signature(r, order - s))
    assert twin.sig != made.sig
    assert verify(joined(twin), PINNED) == {name_of("oncd", algorithm)}
    assert len(verify(joined(made, twin, dataclasses.replace(twin, keyid="")), PINNED)) == 1
    assert joined(made).digest == joined(twin).digest
    assert isinstance(key, ec.EllipticCurvePrivateKey)


@pytest.mark.parametrize("algorithm", ["p256", "p384"])
def test_a_signature_in_another_encoding_does_not_count(algorithm: str) -> None:
    made = by("oncd", algorithm)
    r, s = decode_dss_signature(made.sig)
    size = 32 if algorithm == "p256" else 48
    for sig in (
        r.to_bytes(size, "big") + s.to_bytes(size, "big"),
        made.sig + b"\0",
        bytes([0x30, 0x81, len(made.sig) - 2]) + made.sig[2:],
        encode_dss_signature(0, 0),
        b"",
    ):
        assert not verify(joined(dataclasses.replace(made, sig=sig)), PINNED)


def test_the_digest_is_that_of_the_curve() -> None:
    message = pae(dsse.PAYLOAD_TYPE_INTOTO, PAYLOAD)
    for algorithm, digest in (("p256", ec.ECDSA(SHA384())), ("p384", ec.ECDSA(SHA256()))):
        key = SIGNERS["oncd", algorithm]
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        assert not verify(joined(Signature("", key.sign(message, digest))), PINNED)


def test_other_keys_cannot_sign() -> None:
    with pytest.raises(BadKey, match="secp521r1"):
        sign(dsse.PAYLOAD_TYPE_INTOTO, PAYLOAD, ec.generate_private_key(ec.SECP521R1()))


P = 2**256 - 2**224 + 2**192 + 2**96 - 1
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def recovered(sig: bytes, message: bytes) -> list[PublicKey]:
    """The keys on P-256 under which a signature holds: there are two, by the point that r comes from.

    Source: SEC 1 version 2.0, section 4.1.6.
    """
    r, s = decode_dss_signature(sig)
    z = int.from_bytes(hashlib.sha256(message).digest(), "big")
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    y = pow(r**3 - 3 * r + b, (P + 1) // 4, P)
    base = ec.derive_private_key(-z * pow(r, -1, ORDER) % ORDER, ec.SECP256R1()).public_key().public_numbers()
    found = []
    for point in ((r, y), (r, P - y)):
        x, y_ = added((base.x, base.y), times(s * pow(r, -1, ORDER) % ORDER, point))
        public = ec.EllipticCurvePublicNumbers(x, y_, ec.SECP256R1()).public_key()
        info = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        found.append(PublicKey(info))
    return found


def added(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    """The sum of two points of P-256 that are not opposite."""
    (a, b), (c, d) = one, other
    slope = (3 * a * a - 3) * pow(2 * b, -1, P) if one == other else (d - b) * pow(c - a, -1, P)
    x = (slope * slope - a - c) % P
    return x, (slope * (a - x) - b) % P


def times(factor: int, point: tuple[int, int]) -> tuple[int, int]:
    """A multiple of a point of P-256."""
    result = point
    for bit in bin(factor)[3:]:
        result = added(result, result)
        result = added(result, point) if bit == "1" else result
    return result


def test_one_signature_is_that_of_one_key_where_it_holds_under_two() -> None:
    """Two owners with two such keys would else sign with one signature."""
    made = by("oncd", "p256", "")
    keys = {each.keyid: each for each in recovered(made.sig, pae(dsse.PAYLOAD_TYPE_INTOTO, PAYLOAD))}
    assert len(keys) == 2
    assert name_of("oncd", "p256") in keys
    for name, key in keys.items():
        assert verify(joined(made), {name: key}) == {name}
    assert len(verify(joined(made), keys)) == 1


# The work is bounded


class CountedKeys(dict[str, PublicKey]):
    """Keys that count how often one of them is taken to check a signature."""

    taken = 0

    def __getitem__(self, name: str) -> PublicKey:
        self.taken += 1
        return super().__getitem__(name)


def many(count: int) -> CountedKeys:
    """Keys of which none has signed. The same bytes many times are enough: each is tried."""
    return CountedKeys({f"{i:064}": PublicKey(publickey.of(key_of("nobody", "p256"))) for i in range(count)})


def test_an_envelope_costs_no_more_by_more_keys() -> None:
    keys = many(10_000)
    forged = joined(*(dataclasses.replace(by("oncd", "p256"), keyid=f"{i:064}") for i in range(16)))
    assert not verify(forged, keys)
    assert keys.taken == 16 * (1 + dsse.OTHERS_MAX)


def test_a_key_that_is_named_is_found_among_any_number() -> None:
    keys = many(10_000)
    keys |= {name_of("oncd", "p384"): PublicKey(publickey.of(SIGNERS["oncd", "p384"]))}
    assert verify(joined(by("oncd", "p384")), keys) == {name_of("oncd", "p384")}
    assert not verify(joined(by("oncd", "p384", "my-hsm")), keys)


def test_a_key_that_is_not_named_is_found_among_as_many_as_are_tried() -> None:
    last = {name_of("oncd", "ed25519"): PublicKey(publickey.of(SIGNERS["oncd", "ed25519"]))}
    for others, expected in ((dsse.OTHERS_MAX - 1, last.keys()), (dsse.OTHERS_MAX, set())):
        assert verify(joined(by("oncd", "ed25519", "my-hsm")), {**many(others), **last}) == expected


def test_the_key_that_is_named_is_not_one_of_the_others() -> None:
    last = {name_of("oncd", "ed25519"): PublicKey(publickey.of(SIGNERS["oncd", "ed25519"]))}
    crowd = many(dsse.OTHERS_MAX)
    assert verify(joined(by("oncd", "ed25519", min(crowd))), {**crowd, **last}) == last.keys()


@given(st.lists(st.tuples(who, hints), max_size=16), st.sets(st.sampled_from(sorted(PINNED))))
def test_asking_about_fewer_keys_loses_no_signer(signing: list[Any], asked: set[str]) -> None:
    """The control plane may ask about more parties than the law, and accepts nothing that this refuses."""
    envelope = joined(*(by(each[0], each[1], hint) for each, hint in signing))
    crowd = many(25)
    assert verify(envelope, {**crowd, **PINNED}) & asked <= verify(
        envelope, {name: PINNED[name] for name in PINNED if name in asked}
    )
