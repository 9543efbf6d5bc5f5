// A part of the page that changes by itself: it is asked for again until the page says that it is done.
const part = () => document.querySelector("[data-live]");

const again = async () => {
  const answer = await fetch(location.href, { credentials: "same-origin", redirect: "error" });
  if (!answer.ok) return;
  const found = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector(".live");
  const shown = part();
  if (!found || !shown) return;
  if (found.textContent !== shown.textContent) shown.replaceChildren(...found.childNodes);
  if (!found.dataset.live) shown.removeAttribute("data-live");
};

const watch = async () => {
  const shown = part();
  if (!shown) return;
  try { if (!document.hidden) await again(); } catch { /* the next time, or a reader who looks again */ }
  setTimeout(watch, Number(shown.dataset.live));
};

setTimeout(watch, 1000);
