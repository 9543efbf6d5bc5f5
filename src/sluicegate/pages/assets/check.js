// Checks in the browser that an entry is in the log: its leaf, the proof, the signed head. It believes
// nothing of the page but the log's key, which the reader can replace by one from elsewhere. If the log's key
// was replaced, any of its keys leads to the one that signs now, by what the key before signed.
// Sources: RFC 6962 section 2.1 (hashes, proofs); C2SP signed-note and tlog-checkpoint (the head); DSSE.

const utf8 = new TextEncoder();

/** The bytes of a text in standard base64. Throws: it is not that. */
export function unbase64(text) {
  const bytes = Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
  if (btoa(String.fromCharCode(...bytes)) !== text) throw new Error("not standard base64");
  return bytes;
}

/** Bytes as standard base64. */
export function base64(bytes) {
  return btoa(String.fromCharCode(...bytes));
}

export async function sha256(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, each) => sum + each.length, 0));
  let at = 0;
  for (const each of parts) { whole.set(each, at); at += each.length; }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", whole));
}

/** The hash of a leaf. */
export const leafHash = (leaf) => sha256(Uint8Array.of(0), leaf);

const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);

/** The root that a proof leads to: of `size` leaves, from the hash of the one at `index`. */
export async function rootFrom(hash, index, size, proof) {
  if (!(Number.isSafeInteger(index) && Number.isSafeInteger(size) && 0 <= index && index < size)) {
    throw new Error(`no entry ${index} in a log of ${size}`);
  }
  let [node, last, root] = [index, size - 1, hash];
  for (const each of proof) {
    if (each.length !== 32) throw new Error("a hash in the proof does not have 32 bytes");
    if (last === 0) throw new Error("the proof is too long");
    if (node % 2 === 1 || node === last) {
      root = await nodeHash(each, root);
      while (node % 2 === 0 && node !== 0) { node = Math.floor(node / 2); last = Math.floor(last / 2); }
    } else {
      root = await nodeHash(root, each);
    }
    node = Math.floor(node / 2);
    last = Math.floor(last / 2);
  }
  if (last !== 0) throw new Error("the proof is too short");
  return root;
}

/** A log's key in its text form, `name+id+key`. Throws: it is none. */
export async function readKey(text) {
  const parts = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/u.exec(text.trim());
  if (!parts) throw new Error("a key has the form name+8 hex digits+base64");
  const [, name, id, encoded] = parts;
  const key = unbase64(encoded);
  if (key.length !== 33 || key[0] !== 1) throw new Error("the key is not an Ed25519 key");
  const found = (await sha256(utf8.encode(`${name}\n`), key)).slice(0, 4);
  if (hex(found) !== id) throw new Error("the id in the key is not the key's");
  return { name, id: found, bytes: key.slice(1) };
}

const hex = (bytes) => Array.from(bytes, (each) => each.toString(16).padStart(2, "0")).join("");

const PAYLOAD = "application/vnd.in-toto+json";

/** Whether a key has signed an envelope. */
async function hasSigned(envelope, key) {
  const payload = unbase64(envelope.payload);
  const begin = utf8.encode(`DSSEv1 ${PAYLOAD.length} ${PAYLOAD} ${payload.length} `);
  const message = Uint8Array.of(...begin, ...payload);
  const imported = await crypto.subtle.importKey("raw", key.bytes, { name: "Ed25519" }, false, ["verify"]);
  for (const each of envelope.signatures) {
    if (await crypto.subtle.verify("Ed25519", imported, unbase64(each.sig), message)) return true;
  }
  return false;
}

/** The key that signs a log now, for who knows the key `vkey` of it. Throws: nothing leads there. */
export async function follow(vkey, handovers) {
  const said = handovers.map((each) => {
    const stated = JSON.parse(new TextDecoder().decode(unbase64(each.payload)));
    if (each.payloadType !== PAYLOAD || stated.predicateType !== "urn:sluicegate:log-key:v1") {
      throw new Error("what leads to the log's key is no handover");
    }
    return stated.predicate;
  });
  let known = vkey.trim();
  let at = said.findIndex((each) => each.replaces === known);
  if (at < 0) at = said.length;
  for (; at < said.length; at += 1) {
    const { replaces, key } = said[at];
    if (replaces !== known) throw new Error("the handovers of the log's key do not follow each other");
    const [before, after] = [await readKey(replaces), await readKey(key)];
    if (before.name !== after.name) throw new Error("a handover to a key of another name");
    if (!(await hasSigned(handovers[at], after) && await hasSigned(handovers[at], before))) {
      throw new Error(`the key before did not hand over to ${key}; give that key, if you have it from elsewhere`);
    }
    known = key;
  }
  return readKey(known);
}

/** What a signed head says, if the key has signed it. Throws: it has not, or the head is not well formed. */
export async function openHead(note, key) {
  const at = note.lastIndexOf("\n\n");
  if (at < 0 || !note.endsWith("\n")) throw new Error("the head has no signature");
  const body = note.slice(0, at + 1);
  const signatures = [];
  for (const line of note.slice(at + 2, -1).split("\n")) {
    const parts = /^— (\S+) (\S+)$/u.exec(line);
    if (!parts) throw new Error("a signature of the head is malformed");
    const bytes = unbase64(parts[2]);
    if (parts[1] === key.name && hex(bytes.slice(0, 4)) === hex(key.id)) signatures.push(bytes.slice(4));
  }
  if (signatures.length !== 1) throw new Error(`the head is not signed by ${key.name} with this key`);
  const imported = await crypto.subtle.importKey("raw", key.bytes, { name: "Ed25519" }, false, ["verify"]);
  if (!await crypto.subtle.verify("Ed25519", imported, signatures[0], utf8.encode(body))) {
    throw new Error("the signature of the head does not verify");
  }
  const [origin, size, root] = body.split("\n");
  if (origin !== key.name || !/^(0|[1-9][0-9]{0,15})$/.test(size)) throw new Error("the head is malformed");
  return { origin, size: Number(size), root: unbase64(root) };
}

/** An entry that is proven to be in the log that a key has signed. Throws: it is not proven. */
export async function check(index, vkey, get) {
  const stated = await (await get("/api/v1/log")).json();
  const key = await follow(vkey, stated.handovers ?? []);
  const head = await openHead(await (await get("/log/checkpoint")).text(), key);
  const answer = await (await get(`/api/v1/log/inclusion?index=${index}&size=${head.size}`)).json();
  const leaf = utf8.encode(answer.leaf);
  const root = await rootFrom(await leafHash(leaf), index, head.size, answer.proof.map(unbase64));
  if (base64(root) !== base64(head.root)) throw new Error("the proof does not lead to the signed root");
  const entry = JSON.parse(answer.leaf);
  if (entry.seq !== index) throw new Error(`the proven entry says that it is number ${entry.seq}`);
  return { entry, head, key };
}

/** JSON with the keys of every object in one order. */
export function ordered(value) {
  if (Array.isArray(value)) return value.map(ordered);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, ordered(value[key])]));
}

async function get(path) {
  const found = await fetch(path, { credentials: "omit", cache: "no-store" });
  if (!found.ok) throw new Error(`${path} answered ${found.status}`);
  return found;
}

const TERMS = ["Place", "Time", "Log's key", "Root"];

/** Say what was proven; before that the lines have their place, so that nothing below them moves. */
function facts(said = []) {
  const list = document.getElementById("proof");
  list.replaceChildren(...TERMS.map((term, at) => {
    const row = document.createElement("div");
    const [name, told] = [document.createElement("dt"), document.createElement("dd")];
    name.textContent = term;
    told.textContent = said[at] ?? "…";
    row.append(name, told);
    return row;
  }));
  list.hidden = false;
}

async function show(section, vkey) {
  const verdict = document.getElementById("verdict");
  verdict.className = "verdict waiting";
  verdict.textContent = "Your browser is checking it…";
  facts();
  try {
    const index = Number(section.dataset.index);
    const { entry, head, key } = await check(index, vkey, get);
    const shown = JSON.parse(document.getElementById("public").textContent);
    const time = document.querySelector("#when time").dateTime;
    if (JSON.stringify(ordered(entry.public)) !== JSON.stringify(ordered(shown)) || time !== entry.at) {
      throw new Error("this page shows something else than the log has");
    }
    const place = `entry ${index} of those from 0 to ${head.size - 1}`;
    facts([place, entry.at, `${key.name}+${hex(key.id)}`, base64(head.root)]);
    verdict.className = "verdict good";
    const whose = vkey.trim() === section.dataset.vkey ? "the key that this server states" : "your key";
    verdict.textContent = `Your browser has checked it: the entry is in the log that ${whose} has signed.`;
  } catch (error) {
    document.getElementById("proof").hidden = true;
    verdict.className = "verdict bad";
    verdict.textContent = error.name === "NotSupportedError"
      ? "This browser cannot check Ed25519 signatures. Use a newer one, or the command line."
      : `It could not be shown: ${error.message}.`;
  }
}

if (typeof document !== "undefined" && document.getElementById("check")) {
  const section = document.getElementById("check");
  const form = document.getElementById("other");
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    show(section, document.getElementById("vkey").value);
  });
  show(section, section.dataset.vkey);
}
