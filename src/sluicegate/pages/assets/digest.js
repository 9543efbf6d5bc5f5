// The digest of a file, which stays on this machine.
const hex = (buffer) => Array.from(new Uint8Array(buffer), (each) => each.toString(16).padStart(2, "0")).join("");

for (const file of document.querySelectorAll("input[data-digest]")) {
  file.closest(".field").hidden = false;
  file.addEventListener("change", async () => {
    const [chosen] = file.files;
    const found = chosen && (await crypto.subtle.digest("SHA-256", await chosen.arrayBuffer()));
    document.getElementById(file.dataset.digest).value = found ? `sha256:${hex(found)}` : "";
  });
}
