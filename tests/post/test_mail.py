"""Mail against a small server on this machine."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from email import message_from_bytes, policy

import pytest

from sluicegate.core.lifecycle import notices
from sluicegate.ports import Letter, Subscription
from sluicegate.post.carrier import DeliveryFailure
from sluicegate.post.mail import Mail, is_here, written
from sluicegate.settings import PostSettings
from tests.post.receiver import listening

TO = Subscription("sub_1", "p_1", "email", "reviews@example.org", 0)
NOTICE = notices.Notice("case.opened", "case_1", "entry 7", 0, {"case": "case_1", "seq": 7})


def letter(message: str = "msg_1", case: str = "case_1") -> Letter:
    return Letter(message, "sub_1", case, NOTICE.body(), 0)


def server(answers: dict[str, bytes], taken: list[bytes]):
    """An SMTP server that answers commands as told, 250 otherwise."""

    async def talk(reader, writer):
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            word = line.split()[0].decode().upper()
            writer.write(answers.get(word, b"354 go\r\n" if word == "DATA" else b"250 fine\r\n"))
            if word == "DATA" and word not in answers:
                taken.append(await reader.readuntil(b"\r\n.\r\n"))
                writer.write(answers.get("BODY", b"250 taken\r\n"))
            if word == "QUIT":
                return

    return talk


def send(to: Subscription = TO, **answers: bytes):
    async def main() -> tuple[DeliveryFailure | None, list[bytes]]:
        taken: list[bytes] = []
        async with listening(server(answers, taken)) as port:
            settings = PostSettings(smtp_host="127.0.0.1", smtp_port=port, mail_from="log@dev.example")
            mail = Mail(settings, lambda subscription: f"code of {subscription}")
            found = await mail.deliver(to, letter())
            await mail.close()
        return found, taken

    return asyncio.run(main())


def test_a_letter_is_handed_over_once_and_says_what_happened():
    failure, (taken,) = send()
    assert failure is None
    got = message_from_bytes(taken, policy=policy.default)
    assert (got["To"], got["From"]) == ("reviews@example.org", "log@dev.example")
    assert (got["Subject"], got["Message-ID"]) == ("case_1: case.opened", "<msg_1@dev.example>")
    assert "seq: 7" in got.get_content()


def test_an_address_that_is_not_confirmed_gets_the_code_and_nothing_of_the_case():
    failure, (taken,) = send(replace(TO, kind="unconfirmed"))
    assert failure is None
    said = message_from_bytes(taken, policy=policy.default).get_content()
    assert "sluicegate notify confirm sub_1 code of sub_1" in said
    assert "case" not in said
    (_, (taken,)) = send()
    assert b"code of sub_1" not in taken


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"RCPT": b"550 no\r\n"}, "the mail server refused the recipient: 550"),
        ({"MAIL": b"451 later\r\n"}, "the mail server answered 451"),
        ({"BODY": b"552 too much\r\n"}, "the mail server answered 552"),
    ],
)
def test_what_a_server_does_not_take_is_a_failure(answers, error):
    assert send(**answers)[0] == DeliveryFailure(error)


def test_how_the_server_takes_leave_does_not_matter():
    assert send(QUIT=b"421 gone\r\n")[0] is None


def test_a_case_is_a_thread_and_a_letter_has_one_id():
    first, again, second = (written(TO, letter(name), "a@b") for name in ("msg_1", "msg_1", "msg_2"))
    assert first["Message-ID"] == again["Message-ID"] != second["Message-ID"]
    assert first["References"] == first["In-Reply-To"] == second["References"]
    assert written(TO, letter(case="case_2"), "a@b")["References"] != first["References"]
    assert written(TO, letter(case=""), "a@b")["References"] is None


@pytest.mark.parametrize(
    ("host", "here"),
    [
        ("localhost", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
    ],
)
def test_only_this_machine_is_spoken_to_in_clear(host, here):
    assert is_here(host) is here
