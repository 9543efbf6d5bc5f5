// Documents sealed in this browser to the keys of those who decide, as files of age: no server can open them.
// Source: age-encryption.org/v1 with recipients of type ssh-ed25519; RFC 7748, RFC 5869.
const FIRST = "age-encryption.org/v1", TYPE = "ssh-ed25519", LABEL = `${FIRST}/${TYPE}`;
const CHUNK = 64 * 1024, MOST = 32 * 1024 * 1024;
const P = 2n ** 255n - 19n, BASE = Uint8Array.from({ length: 32 }, (_, at) => (at ? 0 : 9));
// What stands before 32 raw bytes of a private key (RFC 8410): WebCrypto reads no raw ones.
const PKCS8 = Uint8Array.from([48, 46, 2, 1, 0, 48, 5, 6, 3, 43, 101, 110, 4, 34, 4, 32]);

const utf8 = (text) => new TextEncoder().encode(text);
const joined = (...parts) => {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
};
const random = (size) => crypto.getRandomValues(new Uint8Array(size));
const b64 = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/=+$/, "");
const number = (bytes) => bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
const bytesOf = (value, size) => Uint8Array.from({ length: size }, (_, at) => Number((value >> BigInt(8 * at)) & 255n));
const hex = (bytes) => Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");
const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

const hmac = async (key, bytes) => {
  const made = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", made, bytes));
};
const derived = async (secret, salt, info) =>
  hmac(await hmac(salt.length ? salt : new Uint8Array(32), secret), joined(utf8(info), [1]));

const mod = (value) => ((value % P) + P) % P;
const inverse = (value) => {
  let found = 1n;
  for (let left = P - 2n, by = mod(value); left; left >>= 1n, by = mod(by * by)) if (left & 1n) found = mod(found * by);
  return found;
};
// The X25519 key of an Ed25519 key.
const montgomery = (recipient) => {
  const y = number(recipient) & ((1n << 255n) - 1n);
  if (y === 1n || y >= P) throw new Error("a key to which nothing can be sealed");
  return bytesOf(mod((1n + y) * inverse(1n - y)), 32);
};
const x25519 = async (secret, point) => {
  const key = await crypto.subtle.importKey("pkcs8", joined(PKCS8, secret), "X25519", false, ["deriveBits"]);
  const other = await crypto.subtle.importKey("raw", point, "X25519", false, []);
  return new Uint8Array(await crypto.subtle.deriveBits({ name: "X25519", public: other }, key, 256));
};

const stanza = async (cipher, fileKey, recipient) => {
  const once = random(32), theirs = montgomery(recipient), share = await x25519(once, BASE);
  const named = [utf8(TYPE), recipient].flatMap((part) => [[0, 0, 0, part.length], part]);
  const wire = joined(...named.map((part) => Uint8Array.from(part)));
  const tweak = await derived(new Uint8Array(0), wire, LABEL);
  const shared = await x25519(tweak, await x25519(once, theirs));
  const key = await derived(shared, joined(share, theirs), LABEL);
  const tag = b64((await sha256(wire)).subarray(0, 4));
  return `-> ${TYPE} ${tag} ${b64(share)}\n${b64(cipher(key, new Uint8Array(12)).encrypt(fileKey))}\n`;
};

// A file as only the holders of some Ed25519 keys can read it.
const sealed = async (cipher, plain, recipients) => {
  const fileKey = random(16), nonce = random(16);
  const stanzas = await Promise.all(recipients.map((each) => stanza(cipher, fileKey, each)));
  const head = utf8(`${FIRST}\n${stanzas.join("")}---`);
  const mac = await hmac(await derived(fileKey, new Uint8Array(0), "header"), head);
  const key = await derived(fileKey, nonce, "payload"), parts = [];
  for (let at = 0, count = 0; at === 0 || at < plain.length; at += CHUNK, count += 1) {
    const place = new Uint8Array(12);
    new DataView(place.buffer).setUint32(7, count);
    place[11] = at + CHUNK >= plain.length ? 1 : 0;
    parts.push(cipher(key, place).encrypt(plain.subarray(at, at + CHUNK)));
    if (count % 8 === 7) await new Promise((next) => { setTimeout(next); }); // the page stays usable
  }
  return joined(head, utf8(` ${b64(mac)}\n`), nonce, ...parts);
};

for (const place of crypto.subtle ? document.querySelectorAll("[data-seal]") : []) {
  const named = JSON.parse(place.dataset.seal);
  const keys = named.map(([, key]) => Uint8Array.from(atob(key), (letter) => letter.charCodeAt(0)));
  const files = place.querySelector("input"), said = place.querySelector("[role=status]");
  place.hidden = false;
  const seal = async (file) => {
    if (file.size > MOST) throw new Error(`it has more than ${MOST / 1024 / 1024} MiB. Seal it at the command line`);
    const { chacha20poly1305: cipher } = await import("./chacha20poly1305.js");
    const plain = new Uint8Array(await file.arrayBuffer());
    const digest = hex(await sha256(plain));
    // Of the bytes that it is sealed to, and not of what the page says of them.
    const ids = await Promise.all(keys.map(async (key, at) => `${named[at][0]} ${hex(await sha256(key)).slice(0, 16)}…`));
    const link = document.createElement("a"), shown = document.createElement("bdi");
    link.href = URL.createObjectURL(new Blob([await sealed(cipher, plain, keys)], { type: "application/octet-stream" }));
    link.download = `${file.name}.age`;
    shown.textContent = link.download;
    link.append("Save ", shown);
    said.replaceChildren(link, ` and send it to them. They open it with their key, and see that it is sha256:${digest}. It is sealed to these keys, by their ids: ${ids.join(", ")}.`);
  };
  files.addEventListener("change", async () => {
    const [file] = files.files;
    if (!file) return;
    said.hidden = false;
    said.textContent = "Sealing…";
    try {
      await seal(file);
    } catch (error) {
      said.textContent = `It could not be sealed: ${error.message}.`;
    }
    files.value = "";
  });
}
