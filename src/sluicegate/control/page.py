"""The one page of the control plane that a person sees: what is claimed of their status, and a correction.

Rules:
- The token is in the link's fragment, which no browser sends anywhere; the page sends it as Bearer alone.
- No cookies, nothing from elsewhere, nothing kept; the script and the style are named by their digests.
"""

from __future__ import annotations

import base64
import hashlib

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

_STYLE = """
:root{color-scheme:light dark}
body{font:1.125rem/1.5 system-ui,sans-serif;max-width:46rem;margin:0 auto;padding:1rem}
h1{font-size:1.6rem;line-height:1.2}h2{font-size:1.25rem;margin-top:2rem}
table{border-collapse:collapse;width:100%}caption{text-align:left;font-weight:bold;padding:.5rem 0}
th,td{text-align:left;padding:.5rem .75rem .5rem 0;border-bottom:1px solid;vertical-align:top}
fieldset{border:1px solid;padding:.5rem 1rem}label{display:block;padding:.4rem 0}
button{font:inherit;padding:.6rem 1.2rem;margin:.75rem .5rem 0 0}
:focus-visible{outline:3px solid #2491ff;outline-offset:3px}
#said{min-height:1.5rem;font-weight:bold}
@media(max-width:32rem){thead{position:absolute;left:-999rem}tr,td,th{display:block;border:0;padding:.1rem 0}
tr{border-bottom:1px solid;padding:.5rem 0}td::before{content:attr(data-of) ": "}}
"""

_SCRIPT = """
"use strict";
let token = location.hash.slice(1);
const at = id => document.getElementById(id);
const words = {us_citizen: "U.S. citizen", us_permanent_resident: "U.S. lawful permanent resident",
  us_protected_person: "protected person (8 U.S.C. 1324b(a)(3))", other: "other", unknown: "unknown"};
const day = text => text ? text.slice(0, 10) : "no end";
async function ask(path, body) {
  const sent = {headers: {authorization: "Bearer " + token}, cache: "no-store", credentials: "omit"};
  if (body !== undefined) {
    sent.method = "POST";
    sent.headers["content-type"] = "application/json";
    sent.body = JSON.stringify(body);
  }
  const response = await fetch("/api/v1/person" + path, sent);
  const told = await response.json();
  if (!response.ok) throw new Error(told.error.message);
  return told;
}
function say(text) { at("said").textContent = text; }
function cell(row, of, text) {
  const made = row.insertCell();
  made.setAttribute("role", "cell");
  made.dataset.of = of;
  made.textContent = text;
}
async function show() {
  const told = await ask("");
  at("organization").textContent = told.organization;
  at("claims").replaceChildren();
  for (const claim of told.claims) {
    const row = at("claims").insertRow();
    row.setAttribute("role", "row");
    cell(row, "Who", claim.yours ? "You" : claim.issuer);
    cell(row, "Status", claim.status ? words[claim.status] : "said through an earlier link, not shown here");
    cell(row, "How it is known", claim.method.replaceAll("-", " "));
    cell(row, "Assurance", claim.assurance.replaceAll("-", " "));
    cell(row, "Until", day(claim.until));
  }
  at("none").hidden = told.claims.length > 0;
  at("table").hidden = told.claims.length === 0;
  at("back").hidden = !told.claims.some(claim => claim.yours);
  at("known").hidden = false;
}
async function act(work, done) {
  say("Working…");
  try { await work(); await show(); say(done); } catch (error) { say("Not done: " + error.message); }
}
at("form").addEventListener("submit", event => {
  event.preventDefault();
  const chosen = new FormData(at("form")).get("status");
  if (!chosen) { say("Choose a status first."); return; }
  act(() => ask("/claim", {status: chosen}), "Noted. You said: " + words[chosen] + ".");
});
at("back").addEventListener("click", async () => {
  await act(() => ask("/claim", {status: null}), "You took back what you said.");
  at("say").focus();
});
at("renew").addEventListener("click", async () => {
  say("Working…");
  try {
    const told = await ask("/link", {});
    token = told.token;
    at("link").value = location.origin + "/person#" + token;
    at("renewed").hidden = false;
    at("link").focus();
    at("link").select();
    say("This link has ended. Keep the new one: it is shown only now.");
  } catch (error) { say("Not done: " + error.message); }
});
if (token) show().then(() => say(""), error => say("This link does not work: " + error.message));
else say("This page needs the whole link that your organization gave you.");
"""


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


HEADERS = {
    "content-security-policy": f"default-src 'none'; script-src {_source(_SCRIPT)}; "
    f"style-src {_source(_STYLE)}; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
}
HTML = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Your status</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>Your status, as it is known here</h1>
<p id="said" role="status" aria-live="polite">Loading…</p>
<noscript><p>This page needs JavaScript: only so the link can stay out of every server's log.</p></noscript>
<div id="known" hidden>
<p><strong id="organization"></strong> registered you as one of its members. Some orders depend on the
status of whoever uses a model. Below is every claim about yours that is kept here. No document is kept, and
none is asked for.</p>
<p id="none">Nobody has claimed anything about your status yet.</p>
<table id="table" role="table"><caption>Claims about your status</caption>
<thead><tr><th scope="col">Who</th><th scope="col">Status</th><th scope="col">How it is known</th>
<th scope="col">Assurance</th><th scope="col">Until</th></tr></thead>
<tbody id="claims" role="rowgroup"></tbody></table>
<h2>Say it yourself, or correct it</h2>
<p>What you say counts at once. If it differs from what your organization claims, your status is
<strong>unknown</strong> until your organization settles it with you; it is told that you differ, and not what
you said. Send no document and no number.</p>
<form id="form">
<fieldset><legend>My status is</legend>
<label><input type="radio" name="status" value="us_citizen"> U.S. citizen</label>
<label><input type="radio" name="status" value="us_permanent_resident"> U.S. lawful permanent resident</label>
<label><input type="radio" name="status" value="us_protected_person"> Protected person
(8 U.S.C. 1324b(a)(3): refugee or asylee)</label>
<label><input type="radio" name="status" value="other"> Other</label>
<label><input type="radio" name="status" value="unknown"> I do not want to say</label>
</fieldset>
<button type="submit" id="say">Say so</button>
<button type="button" id="back">Take back what I said</button>
</form>
<h2>A link that only you know</h2>
<p>Your organization made this link, and may have kept it. You can have a new one in its place.</p>
<button type="button" id="renew">Make a new link</button>
<p id="renewed" hidden><label for="link">Your new link</label>
<input id="link" readonly size="40" autocomplete="off"></p>
</div>
</main>
<script>{_SCRIPT}</script>
</body>
</html>
"""


async def _page(_: Request) -> Response:
    return HTMLResponse(HTML, headers=HEADERS)


ROUTE = Route("/person", _page)
"""The page behind a private link. What the link carries stays in the browser."""
