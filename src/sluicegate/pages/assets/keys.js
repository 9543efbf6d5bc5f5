// API keys, made in this browser: the form gets the digest, and the key is shown once it is on the record.
import { hex } from "./files.js";

const text = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const sha256 = async (said) => new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(said)));

// A key of 32 random bytes, with the checksum that catches typing errors.
export const key = async (random) => {
  const body = `sg_${text(random)}`;
  return body + text(await sha256(body)).slice(0, 6);
};

// Why the server refused a form, from the page that it answers with.
const refusal = async (answer) => {
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const said = page.querySelector(".fault") ?? page.querySelector("main");
  return said ? said.textContent.trim() : "the server did not do it";
};

const said = (form) => {
  let found = form.querySelector(".verdict");
  if (!found) {
    found = document.createElement("p");
    found.className = "verdict";
    found.setAttribute("role", "status");
    form.append(found);
  }
  return found;
};

const shown = (made) => {
  for (const each of document.querySelectorAll("[data-makes-key]")) each.hidden = true;
  document.getElementById("made-key").textContent = made;
  for (const each of document.querySelectorAll("[data-key]")) each.textContent = made;
  document.getElementById("made").hidden = false;
  document.getElementById("made-title").focus();
};

for (const form of crypto.subtle ? document.querySelectorAll("[data-makes-key] form") : []) {
  const digest = form.elements.digest;
  digest.closest(".field").hidden = true;
  digest.required = false;
  let made = "";
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    said(form).textContent = "Making a key…";
    try {
      made ||= await key(crypto.getRandomValues(new Uint8Array(32)));
      digest.value = hex(await sha256(made));
      const body = new URLSearchParams(new FormData(form));
      const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" });
      if (answer.type === "opaqueredirect" || answer.ok) shown(made);
      else said(form).textContent = await refusal(answer);
    } catch (error) {
      said(form).textContent = `The server was not reached: ${error.message}. Try again: it will be the same key.`;
    }
    button.disabled = false;
  });
}
for (const each of crypto.subtle ? document.querySelectorAll("[data-browser-keys]") : []) each.hidden = false;

document.getElementById("copy")?.addEventListener("click", async () => {
  await navigator.clipboard.writeText(document.getElementById("made-key").textContent);
  document.getElementById("copied").textContent = "Copied.";
});
