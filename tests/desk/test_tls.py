"""A desk with a certificate, as a process of its own; and what it says to who comes by plain HTTP."""

from __future__ import annotations

import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from playwright.sync_api import Browser, Page, expect

from tests.certificates import BY_ADDRESS, Authority
from tests.cli.commands import Cli
from tests.launcher import Launcher
from tests.pages.signing_in import authenticator
from tests.waiting import BOUND_S

FOREIGN = "desk.agency.example"


@pytest.fixture
def cli(tmp_path: Path, launcher: Launcher) -> Cli:
    return Cli(tmp_path, launcher)


def _with_certificate(folder: Path) -> list[object]:
    names = (x509.DNSName("desk.localhost"), BY_ADDRESS)
    file = Authority(folder).certified("server", *names)
    return ["--tls-cert", file, "--tls-key", file]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A browser that believes the certificate."""
    with browser.new_context(ignore_https_errors=True) as context:
        context.set_default_timeout(BOUND_S * 1_000)
        yield context.new_page()


def _asked(url: str, host: str, folder: Path | None = None) -> httpx2.Response:
    """The page on which one signs in, by the name of a host."""
    context = ssl.create_default_context(cafile=None if folder is None else folder / "authority.pem")
    with httpx2.Client(trust_env=False, timeout=BOUND_S, verify=context) as client:
        return client.get(f"{url}/sign-in", headers={"host": host})


def test_who_has_come_in_by_a_link_comes_back_by_a_passkey_over_tls(
    cli: Cli, tmp_path: Path, page: Page
) -> None:
    where = ("--desk", tmp_path / "desk")
    with cli.serving("desk", *where, *_with_certificate(tmp_path), "--port", 0, "--json") as ready:
        assert ready["pages"].startswith("https://desk.localhost:")
        invited = cli("reviewer", "invite", "anna", *where, "--url", ready["pages"], "--json").answer
        authenticator(page)
        page.goto(invited["link"])
        page.get_by_role("button", name="Sign in as anna").click()
        page.get_by_role("link", name="Add a passkey").click()
        page.get_by_role("button", name="Make a passkey").click()
        expect(page.get_by_role("heading", name="passkey", exact=True)).to_be_visible()
        page.get_by_role("button", name="Sign out of this browser").click()
        page.wait_for_url("**/sign-in?next=/")
        page.get_by_role("button", name="Use a passkey").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Cases")
        [cookie] = page.context.cookies()
        assert (cookie["name"], cookie["secure"], cookie["httpOnly"]) == ("__Host-session", True, True)
        plain = ready["url"].replace("https:", "http:")
        with pytest.raises(httpx2.TransportError):
            _asked(plain, "desk.localhost")
        assert "strict-transport-security" not in _asked(ready["url"], "desk.localhost", tmp_path).headers


def test_a_desk_for_others_is_asked_for_by_tls_alone(cli: Cli, tmp_path: Path) -> None:
    words = ("desk", "--desk", tmp_path / "desk", *_with_certificate(tmp_path), "--port", 0, "--json")
    with cli.serving(*words, "--url", f"https://{FOREIGN}") as ready:
        assert ready["pages"] == f"https://{FOREIGN}"
        answer = _asked(ready["url"], FOREIGN, tmp_path)
        assert (answer.status_code, answer.headers["strict-transport-security"]) == (200, "max-age=31536000")


def test_without_tls_no_one_signs_in_from_elsewhere_and_is_told_why(cli: Cli, tmp_path: Path) -> None:
    with cli.serving("desk", "--desk", tmp_path / "desk", "--port", 0, "--json") as ready:
        here, elsewhere = (_asked(ready["url"], host) for host in ("desk.localhost", FOREIGN))
    assert (here.status_code, elsewhere.status_code) == (200, 421)
    assert "people sign in here from this machine only" in elsewhere.text
    assert "--url https://" in elsewhere.text
    error = cli("desk", "--desk", tmp_path / "desk", "--url", f"http://{FOREIGN}", "--json").error
    assert "expected an origin such as https://" in error["message"]


def test_who_starts_a_desk_at_another_address_without_a_url_is_told_what_that_means(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sluicegate", "desk", "--desk", "desk", "--port", "0"]
    command += ["--host", "127.0.0.2"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as running:
        assert running.stdout is not None
        said = [running.stdout.readline() for _ in range(3)]
        running.terminate()
    assert said[0].startswith("desk listening on http://127.0.0.2:")
    assert said[2].strip().startswith("people sign in from this machine only; --url says")


def test_a_browser_at_plain_http_is_sent_to_https_for_its_passkey(
    cli: Cli, tmp_path: Path, browser: Browser
) -> None:
    """What ends TLS is in front of the desk, and someone goes past it."""
    words = ("desk", "--desk", tmp_path / "desk", "--port", 0, "--json", "--url", f"https://{FOREIGN}")
    with cli.serving(*words) as ready, browser.new_context() as context:
        page = context.new_page()
        port = ready["url"].rpartition(":")[2]
        page.route(
            f"http://{FOREIGN}/**",
            lambda route: route.fulfill(
                response=route.fetch(
                    url=route.request.url.replace(FOREIGN, f"127.0.0.1:{port}"), headers={"host": FOREIGN}
                )
            ),
        )
        page.goto(f"http://{FOREIGN}/sign-in")
        expect(page.locator("form .verdict")).to_contain_text("open this page by https")
        expect(page.get_by_role("button", name="Use a passkey")).to_be_disabled()
