// Passkeys: the browser is asked what the form says, and its answer goes out with the form.
const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
const text = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

const read = (options) => ({
  ...options,
  challenge: bytes(options.challenge),
  ...(options.user && { user: { ...options.user, id: bytes(options.user.id) } }),
  ...(options.excludeCredentials && { excludeCredentials: options.excludeCredentials.map(named) }),
  ...(options.allowCredentials && { allowCredentials: options.allowCredentials.map(named) }),
});
const named = (each) => ({ ...each, id: bytes(each.id) });

const written = (credential) => {
  const { response } = credential;
  const parts = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"];
  const found = parts.filter((name) => response[name]).map((name) => [name, text(response[name])]);
  return JSON.stringify({
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    response: Object.fromEntries(found),
    clientExtensionResults: {},
  });
};

for (const form of document.querySelectorAll("form[data-passkey]")) {
  const said = form.querySelector(".verdict");
  const button = form.querySelector("button");
  if (!window.PublicKeyCredential) {
    said.textContent = isSecureContext
      ? "This browser has no passkeys." : "Passkeys are asked for by https alone: open this page by https.";
    continue;
  }
  button.disabled = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    said.textContent = "Waiting for your device…";
    try {
      const publicKey = read(JSON.parse(form.dataset.options));
      const credential = await navigator.credentials[form.dataset.passkey]({ publicKey });
      form.elements.answer.value = written(credential);
      form.submit();
    } catch (error) {
      said.textContent = `It was not done: ${error.message}`;
      button.disabled = false;
    }
  });
}
