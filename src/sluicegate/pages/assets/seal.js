// Documents sealed in this browser to the keys of those who decide, as files of age: no server can open them.
// Source: age-encryption.org/v1 with recipients of type ssh-ed25519; RFC 7748, RFC 8439, RFC 5869.
const FIRST = "age-encryption.org/v1", TYPE = "ssh-ed25519", LABEL = `${FIRST}/${TYPE}`;
const CHUNK = 64 * 1024, MOST = 32 * 1024 * 1024;
const P = 2n ** 255n - 19n;

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
const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

const hmac = async (key, bytes) => {
  const made = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", made, bytes));
};
const derived = async (secret, salt, info) =>
  hmac(await hmac(salt.length ? salt : new Uint8Array(32), secret), joined(utf8(info), [1]));

const mod = (value) => ((value % P) + P) % P;
const power = (base, exponent) => {
  let found = 1n;
  for (let left = exponent, by = mod(base); left; left >>= 1n, by = mod(by * by)) if (left & 1n) found = mod(found * by);
  return found;
};
const inverse = (value) => power(value, P - 2n);

// X25519 of a scalar and the u-coordinate of a point, both as numbers; as bytes.
const times = (scalar, u) => {
  const clamped = (scalar & ((1n << 254n) - 8n)) | (1n << 254n);
  let [x2, z2, x3, z3, swapped] = [1n, 0n, u, 1n, 0n];
  for (let at = 254n; at >= 0n; at -= 1n) {
    const bit = (clamped >> at) & 1n;
    if (bit !== swapped) [x2, x3, z2, z3] = [x3, x2, z3, z2];
    swapped = bit;
    const a = x2 + z2, b = mod(x2 - z2), c = x3 + z3, d = mod(x3 - z3);
    const aa = mod(a * a), bb = mod(b * b), e = mod(aa - bb), da = mod(d * a), cb = mod(c * b);
    x3 = mod((da + cb) * (da + cb));
    z3 = mod(u * mod((da - cb) * (da - cb)));
    x2 = mod(aa * bb);
    z2 = mod(e * (aa + 121665n * e));
  }
  if (swapped) [x2, z2] = [x3, z3];
  return bytesOf(mod(x2 * inverse(z2)), 32);
};
const pointOf = (bytes) => number(bytes) & ((1n << 255n) - 1n);

const rotated = (word, by) => (word << by) | (word >>> (32 - by));
const quarter = (s, a, b, c, d) => {
  s[a] += s[b]; s[d] = rotated(s[d] ^ s[a], 16);
  s[c] += s[d]; s[b] = rotated(s[b] ^ s[c], 12);
  s[a] += s[b]; s[d] = rotated(s[d] ^ s[a], 8);
  s[c] += s[d]; s[b] = rotated(s[b] ^ s[c], 7);
};
const words = (bytes) => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Array.from({ length: bytes.length / 4 }, (_, at) => view.getUint32(4 * at, true));
};
// 64 bytes of ChaCha20's key stream.
const block = (key, counter, nonce) => {
  const begun = Uint32Array.from([0x61707865, 0x3320646e, 0x79622d32, 0x6b206574, ...key, counter, ...nonce]);
  const s = Uint32Array.from(begun);
  for (let round = 0; round < 10; round += 1) {
    quarter(s, 0, 4, 8, 12); quarter(s, 1, 5, 9, 13); quarter(s, 2, 6, 10, 14); quarter(s, 3, 7, 11, 15);
    quarter(s, 0, 5, 10, 15); quarter(s, 1, 6, 11, 12); quarter(s, 2, 7, 8, 13); quarter(s, 3, 4, 9, 14);
  }
  const stream = new DataView(new ArrayBuffer(64));
  s.forEach((word, at) => stream.setUint32(4 * at, word + begun[at], true));
  return new Uint8Array(stream.buffer);
};
const poly1305 = (key, bytes) => {
  const r = number(key.subarray(0, 16)) & 0x0ffffffc0ffffffc0ffffffc0fffffffn;
  let sum = 0n;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length; at += 16) { // always whole blocks: what is authenticated is padded
    const low = view.getBigUint64(at, true), high = view.getBigUint64(at + 8, true);
    sum = ((sum + low + (high << 64n) + (1n << 128n)) * r) % (2n ** 130n - 5n);
  }
  return bytesOf(sum + number(key.subarray(16)), 16);
};
// ChaCha20-Poly1305 without additional data.
const encrypted = (key, nonce, plain) => {
  const ks = words(key), ns = words(nonce), cipher = Uint8Array.from(plain);
  for (let at = 0; at < cipher.length; at += 64) {
    const stream = block(ks, at / 64 + 1, ns);
    for (let i = 0; i < 64 && at + i < cipher.length; i += 1) cipher[at + i] ^= stream[i];
  }
  const padding = new Uint8Array((16 - (cipher.length % 16)) % 16);
  const lengths = joined(new Uint8Array(8), bytesOf(BigInt(cipher.length), 8));
  return joined(cipher, poly1305(block(ks, 0, ns).subarray(0, 32), joined(cipher, padding, lengths)));
};

const stanza = async (fileKey, recipient) => {
  const y = pointOf(recipient);
  if (y === 1n || y >= P) throw new Error("a key to which nothing can be sealed");
  const theirs = bytesOf(mod((1n + y) * inverse(1n - y)), 32);
  const once = number(random(32)), share = times(once, 9n);
  const named = [utf8(TYPE), recipient].flatMap((part) => [[0, 0, 0, part.length], part]);
  const wire = joined(...named.map((part) => Uint8Array.from(part)));
  const tweak = number(await derived(new Uint8Array(0), wire, LABEL));
  const shared = times(tweak, pointOf(times(once, pointOf(theirs))));
  const key = await derived(shared, joined(share, theirs), LABEL);
  const tag = b64((await sha256(wire)).subarray(0, 4));
  return `-> ${TYPE} ${tag} ${b64(share)}\n${b64(encrypted(key, new Uint8Array(12), fileKey))}\n`;
};

// A file as only the holders of some Ed25519 keys can read it.
export const sealed = async (plain, recipients) => {
  const fileKey = random(16), nonce = random(16);
  const stanzas = await Promise.all(recipients.map((each) => stanza(fileKey, each)));
  const head = utf8(`${FIRST}\n${stanzas.join("")}---`);
  const mac = await hmac(await derived(fileKey, new Uint8Array(0), "header"), head);
  const key = await derived(fileKey, nonce, "payload"), parts = [];
  for (let at = 0, count = 0; at === 0 || at < plain.length; at += CHUNK, count += 1) {
    const place = new Uint8Array(12);
    new DataView(place.buffer).setUint32(7, count);
    place[11] = at + CHUNK >= plain.length ? 1 : 0;
    parts.push(encrypted(key, place, plain.subarray(at, at + CHUNK)));
    if (count % 8 === 7) await new Promise((next) => { setTimeout(next); }); // the page stays usable
  }
  return joined(head, utf8(` ${b64(mac)}\n`), nonce, ...parts);
};

for (const place of crypto.subtle ? document.querySelectorAll("[data-seal]") : []) {
  const keys = JSON.parse(place.dataset.seal).map((each) => Uint8Array.from(atob(each), (letter) => letter.charCodeAt(0)));
  const files = place.querySelector("input"), said = place.querySelector("[role=status]");
  place.hidden = false;
  const seal = async (file) => {
    if (file.size > MOST) throw new Error(`it has more than ${MOST / 1024 / 1024} MiB. Seal it at the command line`);
    const plain = new Uint8Array(await file.arrayBuffer());
    const digest = Array.from(await sha256(plain), (each) => each.toString(16).padStart(2, "0")).join("");
    const link = document.createElement("a"), shown = document.createElement("bdi");
    link.href = URL.createObjectURL(new Blob([await sealed(plain, keys)], { type: "application/octet-stream" }));
    link.download = `${file.name}.age`;
    shown.textContent = link.download;
    link.append("Save ", shown);
    said.replaceChildren(link, ` and send it to them. They open it with their key, and see that it is sha256:${digest}.`);
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
