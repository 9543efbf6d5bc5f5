// Files that are chosen on a page: a digest of one, or its text, goes into a field. No file is sent.
const MOST = 1024 * 1024;

export const hex = (buffer) => Array.from(new Uint8Array(buffer), (each) => each.toString(16).padStart(2, "0")).join("");

export const digestOf = async (file) => `sha256:${hex(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()))}`;

// The text of a file in UTF-8, or in UTF-16 with its mark, as spreadsheets write it. Another encoding is not guessed.
export const textOf = async (file) => {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const mark = hex(bytes.slice(0, 2)), kind = { fffe: "utf-16le", feff: "utf-16be" }[mark] ?? "utf-8";
  try {
    return new TextDecoder(kind, { fatal: true }).decode(bytes);
  } catch {
    throw new Error("it is no text in UTF-8: in a spreadsheet, save it as 'CSV UTF-8'");
  }
};

for (const input of crypto.subtle ? document.querySelectorAll("input[data-digest]") : []) {
  input.closest(".field").hidden = false;
  input.addEventListener("change", async () => {
    const [chosen] = input.files;
    document.getElementById(input.dataset.digest).value = chosen ? await digestOf(chosen) : "";
  });
}

for (const input of crypto.subtle ? document.querySelectorAll("input[data-text]") : []) {
  const said = document.getElementById(`${input.id}-said`), field = document.getElementById(input.dataset.text);
  const taken = document.getElementById(`${input.dataset.text}-taken`);
  field.addEventListener("input", () => { taken.value = ""; });
  input.closest(".field").hidden = false;
  input.addEventListener("change", async () => {
    const [chosen] = input.files;
    if (!chosen) return;
    try {
      if (chosen.size > MOST) throw new Error("it has more than 1 MiB. Take it at the command line");
      const text = await textOf(chosen), digest = await digestOf(chosen);
      [field.value, taken.value] = [text, digest];
      said.textContent = `The text of ${chosen.name} is in the field. Digest of the file: ${digest}`;
    } catch (error) {
      said.textContent = `${chosen.name} is not in the field: ${error.message}.`;
    }
    input.value = "";
  });
}
