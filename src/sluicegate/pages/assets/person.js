// A person's claims, and what they say of themselves. The token is in the link's fragment, which no browser
// sends anywhere: this script sends it as Bearer alone, and keeps it nowhere.
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
if (token) {
  say("Loading…");
  show().then(() => say(""), error => say("This link does not work: " + error.message));
} else say("This page needs the whole link that your organization gave you.");
