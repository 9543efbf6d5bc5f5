// People from a list: it is read in this browser, their identifiers become digests, and the list stays here.
import { hex, textOf } from "./files.js";

const COLUMNS = ["identifier", "status", "method", "assurance", "until"];
const MOST = 2000;

// The rows of a sheet, as CSV has them: cells by commas, semicolons or tabs, as the first line is.
const cells = (text) => {
  const first = text.split(/\r\n|\r|\n/, 1)[0];
  const by = [",", ";", "\t"].sort((a, b) => first.split(b).length - first.split(a).length)[0];
  const rows = [[""]];
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const row = rows[rows.length - 1], each = text[at];
    if (quoted && each === '"' && text[at + 1] === '"') { row[row.length - 1] += each; at += 1; }
    else if (each === '"' && (quoted || row[row.length - 1] === "")) quoted = !quoted;
    else if (quoted) row[row.length - 1] += each;
    else if (each === by) row.push("");
    else if (each === "\n" || each === "\r") { if (text[at - 1] !== "\r" || each === "\r") rows.push([""]); }
    else row[row.length - 1] += each;
  }
  return rows.map((row) => row.map((each) => each.trim())).filter((row) => row.some(Boolean));
};

const digest = async (identifier) => {
  const said = new TextEncoder().encode(`sluicegate:v1:person:${identifier}`);
  return hex((await crypto.subtle.digest("SHA-256", said)).slice(0, 16));
};

const read = async (text) => {
  const [names = [], ...rows] = cells(text);
  const columns = names.map((each) => each.toLowerCase());
  const other = columns.find((each) => !COLUMNS.includes(each));
  if (!columns.includes("identifier")) throw new Error("the first line needs the column 'identifier'");
  if (other !== undefined) throw new Error(`'${other}' is no column of a list: ${COLUMNS.join(", ")}`);
  if (!rows.length || rows.length > MOST) throw new Error(`${rows.length} rows; a list here has 1 to ${MOST}: 'sluicegate member import' takes longer ones`);
  return Promise.all(rows.map(async (row) => {
    const found = Object.fromEntries(columns.map((name, at) => [name, row[at] ?? ""]).filter(([, said]) => said));
    if (!found.identifier) throw new Error(`a row without an identifier: ${row.join(", ")}`);
    return { ...found, digest: await digest(found.identifier) };
  }));
};

const asked = ({ identifier, digest: name, ...claims }) => ({ identifiers: [name], ...claims });

const place = document.getElementById("import");
if (place && crypto.subtle) {
  const form = place.querySelector("form"), button = form.querySelector("button");
  const { rows, check, update } = form.elements;
  const told = document.getElementById("sheet-said"), table = document.getElementById("sheet-rows");
  const known = new Map();
  for (const each of document.querySelectorAll("[data-identifiers]"))
    for (const name of each.dataset.identifiers.split(" ").filter(Boolean)) known.set(name, each);

  const say = (words, how) => {
    told.hidden = false;
    told.textContent = words;
    told.className = `verdict ${how}`;
  };

  const listed = (found) => {
    const body = table.querySelector("tbody");
    body.replaceChildren(...found.map((each) => {
      const line = document.createElement("tr"), now = known.get(each.digest);
      const shown = [each.identifier, each.status?.replaceAll("_", " ") ?? "nothing is claimed", each.method ?? "", each.until ?? "", now ? "is registered" : "new"];
      line.append(...shown.map((text, at) => {
        const cell = document.createElement(at ? "td" : "th");
        if (!at) cell.scope = "row";
        cell.dir = "auto";
        cell.textContent = text;
        return cell;
      }));
      if (now) now.textContent = `${each.identifier} `;
      return line;
    }));
    table.hidden = false;
  };

  // Ask the server whether it would take all rows, before anyone is registered.
  const checked = async () => {
    check.value = "yes";
    const body = new URLSearchParams(new FormData(form));
    body.delete("_name");
    body.delete("_next");
    check.value = "";
    const answer = await fetch(form.action, { method: "POST", body });
    if (answer.ok) return "";
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return (page.querySelector(".fault") ?? page.querySelector("main")).textContent.trim();
  };

  const look = async () => {
    button.disabled = true;
    const file = document.getElementById("sheet").files[0];
    if (!file) return;
    try {
      const found = await read(await textOf(file));
      listed(found);
      if (found.some((each) => known.has(each.digest))) update.value = "yes";
      rows.value = JSON.stringify(found.map(asked));
      const wrong = await checked();
      say(wrong || `${found.length} ${found.length === 1 ? "row" : "rows"}: all would be registered. Nothing is done yet.`, wrong ? "bad" : "good");
      button.disabled = Boolean(wrong);
    } catch (error) {
      say(`This list cannot be read: ${error.message}`, "bad");
    }
  };

  for (const each of [rows, check]) each.closest(".field").hidden = true;
  rows.required = false;
  button.disabled = true;
  place.hidden = false;
  document.getElementById("sheet").addEventListener("change", look);
  update.addEventListener("change", look);
}
