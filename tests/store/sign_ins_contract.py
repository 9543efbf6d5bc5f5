"""What is kept of the ways in, in every store."""

from __future__ import annotations

from sluicegate.ports import PageSession, Passkey
from tests.store.examples import Contract


def passkey(name: str, principal: str = "a", created_ms: int = 1) -> Passkey:
    return Passkey(name, principal, f"{name} of {principal}", b"key", 0, created_ms)


def session(name: str, principal: str = "a", how: str = "passkey", until_ms: int = 100) -> PageSession:
    return PageSession(name, principal, how, "a browser", 1, 1, until_ms)


class SignInsContract(Contract):
    def test_an_invitation_counts_once_and_until_it_ends(self, store):
        store.sign_ins.invite(b"one", "a", 10, 9)
        store.sign_ins.invite(b"two", "a", 20, 9)
        assert store.sign_ins.invited(b"one", 9) == "a"
        assert store.sign_ins.invited(b"one", 10) is None
        assert store.sign_ins.take_invitation(b"one", 10) is None
        assert store.sign_ins.take_invitation(b"two", 11) == "a"
        assert store.sign_ins.take_invitation(b"two", 11) is None

    def test_of_many_invitations_the_latest_count(self, store):
        store.sign_ins.invite(b"other", "b", 1, 2)
        for at in range(1, 5):
            store.sign_ins.invite(bytes([at]), "a", at, 2)
        assert [store.sign_ins.invited(bytes([at]), 0) for at in range(1, 5)] == [None, None, "a", "a"]
        assert store.sign_ins.invited(b"other", 0) == "b"

    def test_passkeys_are_of_one_principal_and_remember_their_use(self, store):
        for each in (passkey("y", created_ms=2), passkey("x"), passkey("z", "b")):
            store.sign_ins.add_passkey(each)
        store.sign_ins.used_passkey("x", 7, 55)
        assert [each.id for each in store.sign_ins.passkeys("a")] == ["x", "y"]
        found = store.sign_ins.passkey("x")
        assert (found.counter, found.used_ms, found.public_key) == (7, 55, b"key")
        assert store.sign_ins.passkey("none") is None

    def test_a_session_counts_until_it_ends(self, store):
        store.sign_ins.begin(b"one", session("ses_1"), 9)
        assert store.sign_ins.signed_in(b"one", 99) == session("ses_1")
        assert store.sign_ins.signed_in(b"one", 100) is None
        assert store.sign_ins.signed_in(b"other", 1) is None
        store.sign_ins.saw("ses_1", 50, 150)
        assert store.sign_ins.signed_in(b"one", 149).seen_ms == 50
        store.sign_ins.end("ses_1")
        assert store.sign_ins.signed_in(b"one", 50) is None

    def test_a_passkey_that_is_removed_ends_what_began_with_one(self, store):
        store.sign_ins.add_passkey(passkey("x"))
        store.sign_ins.begin(b"one", session("ses_1"), 9)
        store.sign_ins.begin(b"two", session("ses_2", how="token"), 9)
        store.sign_ins.begin(b"three", session("ses_3", "b"), 9)
        for who in ("a", "b"):
            store.sign_ins.invite(who.encode(), who, 10, 9)
        store.sign_ins.remove_passkey("x")
        assert [store.sign_ins.invited(who, 1) for who in (b"a", b"b")] == [None, "b"]
        assert [each.id for each in store.sign_ins.sessions("a", 1)] == ["ses_2"]
        assert [each.id for each in store.sign_ins.sessions("b", 1)] == ["ses_3"]

    def test_who_is_shut_out_has_no_way_in_and_others_keep_theirs(self, store):
        for who in ("a", "b"):
            store.sign_ins.add_passkey(passkey(f"key-{who}", who))
            store.sign_ins.begin(who.encode(), session(f"ses_{who}", who), 9)
            store.sign_ins.invite(b"to " + who.encode(), who, 10, 9)
        store.sign_ins.end_sessions("a")
        assert store.sign_ins.sessions("a", 1) == []
        assert store.sign_ins.invited(b"to a", 1) is None
        assert [each.id for each in store.sign_ins.passkeys("a")] == ["key-a"]
        store.sign_ins.shut_out("a")
        assert store.sign_ins.passkeys("a") == []
        assert [each.id for each in store.sign_ins.sessions("b", 1)] == ["ses_b"]
        assert store.sign_ins.invited(b"to b", 1) == "b"

    def test_of_many_sessions_the_latest_count(self, store):
        for at in range(1, 5):
            store.sign_ins.begin(bytes([at]), PageSession(f"s{at}", "a", "token", "", at, at, 100), 2)
        store.sign_ins.begin(b"other", session("ses_b", "b"), 2)
        assert [each.id for each in store.sign_ins.sessions("a", 5)] == ["s3", "s4"]
        assert [each.id for each in store.sign_ins.sessions("b", 5)] == ["ses_b"]

    def test_invitations_end_by_themselves(self, store):
        for who in ("a", "b"):
            store.sign_ins.invite(who.encode(), who, 10, 9)
        store.sign_ins.begin(b"one", session("ses_1"), 9)
        store.sign_ins.end_invitations("a")
        assert [store.sign_ins.invited(who, 1) for who in (b"a", b"b")] == [None, "b"]
        assert store.sign_ins.sessions("a", 1)

    def test_invitations_end_with_who_made_them(self, store):
        def counts():
            return [store.sign_ins.invited(each, 1) for each in (b"1", b"2", b"3")]

        for end in ("end_invitations", "end_sessions", "shut_out"):
            for digest, whom, by in ((b"1", "a", "a"), (b"2", "b", "a"), (b"3", "b", "b")):
                store.sign_ins.take_invitation(digest, 0)
                store.sign_ins.invite(digest, whom, 10, 9, by)
            assert counts() == ["a", "b", "b"]
            getattr(store.sign_ins, end)("a")
            assert counts() == [None, None, "b"]
        store.sign_ins.invite(b"1", "b", 10, 9, "a")
        store.sign_ins.add_passkey(passkey("x"))
        store.sign_ins.remove_passkey("x")
        assert counts() == [None, None, "b"]
