// What happened, in a sentence: to a screen reader by the live region, to the eye by a toast.
import { byId, el } from "./dom.js";

let last = "";

export function say(sentence) {
  // The same sentence twice would not be read again: a no-break space makes it another one.
  last = sentence === last ? `${sentence}\u00a0` : sentence;
  byId("live").textContent = last;
}

function toast(sentence, kind, seconds) {
  const close = el("button", { type: "button", class: "plain", "aria-label": "Close this message" }, "\u00d7");
  const box = el("div", { class: `toast ${kind}`, role: kind === "bad" ? "alert" : null }, el("span", {}, sentence), close);
  const gone = () => box.remove();
  close.addEventListener("click", gone);
  const list = byId("toasts");
  while (list.children.length > 2) list.firstChild.remove();
  list.append(box);
  if (seconds) setTimeout(gone, seconds * 1000);
}

export function note(sentence) {
  say(sentence);
  toast(sentence, "good", 4);
}

export function alarm(sentence) {
  toast(sentence, "bad", 12);
}

// Errors of the server are sentences already; anything else is a fault of this page and is shown as such.
export function failed(error) {
  if (error && error.handled) return;
  alarm(error && error.sentence ? error.sentence : "Something went wrong in the page. Reload it; what you decided is kept.");
  if (!(error && error.sentence)) console.error(error);
}
