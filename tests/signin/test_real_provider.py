"""Signing in by a real OpenID provider, in a real browser."""

from __future__ import annotations

import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from demo.fleet import served
from sluicegate import bootstrap
from sluicegate.settings import PersonRule, SignInProvider
from tests.clients.driven import ENVIRONMENT, node
from tests.control.conftest import Plane
from tests.pages.conftest import browser
from tests.waiting import BOUND_S

__all__ = ["browser"]
PROGRAM = Path(__file__).with_name("provider.mjs")
NPM = ENVIRONMENT / "npm"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


@pytest.mark.long
def test_a_person_of_a_real_provider_signs_in(tmp_path: Path, browser: Browser) -> None:
    if not (NPM / "node_modules" / "oidc-provider").is_dir():
        pytest.skip("oidc-provider is not installed: make test-long installs it")
    port, at = free_port(), free_port()
    rule = PersonRule("email", "ana@lab.example", "developer", "ana")
    staff = SignInProvider("staff", "Example Lab", f"http://localhost:{at}", "sluicegate", "s" * 32, (rule,))
    plane = Plane(tmp_path)
    wired = bootstrap.Control.over(replace(plane.settings, port=port, providers=(staff,)), plane.ledger)
    origin = f"http://control.localhost:{port}"
    callback = f"{origin}/sign-in/by/staff/back"
    environment = {"NPM": str(NPM), "HOME": str(tmp_path)}
    with (
        subprocess.Popen(
            [node(), PROGRAM, str(at), "s" * 32, callback],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as provider,
        served(wired),
    ):
        try:
            assert provider.stdout is not None
            assert "ready" in next(line for line in provider.stdout if "ready" in line)
            with browser.new_context(base_url=origin) as context:
                context.set_default_timeout(BOUND_S * 1_000)
                page = context.new_page()
                page.goto("/sign-in")
                page.get_by_role("link", name="Sign in with Example Lab").click()
                page.locator("input[name=login]").fill("ana")
                page.locator("input[name=password]").fill("any")
                page.get_by_role("button", name="Sign-in").click()
                page.get_by_role("button", name="Continue").click()
                page.wait_for_url(f"{origin}/**")
                page.goto("/account")
                expect(page.get_by_role("heading", level=1)).to_have_text("ana")
                expect(page.locator("main")).to_contain_text("provider")
        finally:
            provider.kill()
