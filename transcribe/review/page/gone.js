// A server that does not answer: nobody says any more when the page is to be veiled, so it is, until one answers again.
import { el } from "./dom.js";
import { openDialog } from "./dialog.js";

let box = null;

export function gone() {
  box ??= openDialog({
    title: "The program does not answer",
    id: "gone",
    closes: false,
    veil: true,
    body: [el("p", {}, "What was shown here is hidden until it does. If it was ended, start it again in the terminal; what it had saved is kept."), el("pre", { tabindex: "0" }, "transcribe review STUDY")],
  });
}

export function answered() {
  box?.close();
  box = null;
}
