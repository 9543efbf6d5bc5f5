import { digestOf } from "./files.js";

// A draft saves itself when a field is left. Files stay here: only their digests go into the application.
const MOST = 512 * 1024 * 1024;
const form = document.querySelector("form[data-draft]");
const said = form?.querySelector(".verdict");

const say = (words, how = "") => {
  said.textContent = words;
  said.className = `verdict ${how}`;
};

let waiting = Promise.resolve(), saves = 0;
const save = () => {
  const own = saves += 1;
  say("Saving…");
  waiting = waiting.then(async () => {
    try {
      const body = new URLSearchParams(new FormData(form));
      const answer = await fetch(location.pathname, { method: "POST", body, redirect: "manual" });
      if (own !== saves) return;
      if (answer.type === "opaqueredirect" || answer.ok) say("Saved.", "good");
      else say("It could not be saved. 'Save and go on' says why.", "bad");
    } catch {
      say("The server was not reached. What you wrote is on this page still.", "bad");
    }
  });
};
form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  await waiting; // an earlier save must not arrive after this one
  form.submit();
});
form?.addEventListener("change", (event) => {
  if (event.target.type === "file") return;
  // What was wrong with the earlier value. Its place stays: no button moves under a click.
  const past = event.target.closest(".field")?.querySelectorAll(".fault") ?? [];
  for (const each of [...past, ...document.querySelectorAll(".fault[role=alert]")]) each.classList.add("past");
  event.target.removeAttribute("aria-invalid");
  save();
});

const files = document.getElementById("d-files");
if (files && crypto.subtle) {
  files.closest("[data-attach]").hidden = false;
  files.addEventListener("change", async () => {
    const listed = form.elements.attachments;
    for (const file of files.files) {
      let found;
      try {
        if (file.size > MOST) throw new Error(`it has more than ${MOST / 1024 / 1024} MiB. Take it at the command line`);
        found = await digestOf(file);
      } catch (error) {
        files.value = "";
        say(`The digest of ${file.name} could not be taken: ${error.message}.`, "bad");
        return;
      }
      const before = listed.value.trimEnd();
      listed.value = `${before}${before ? "\n" : ""}${file.name.replace(/[;\p{C}\p{Zl}\p{Zp}]/gu, "_")}; ${found}`;
    }
    files.value = "";
    save();
  });
}
