// The end of a session: no name may stay on the screen.
import { byId, el } from "./dom.js";
import { bind } from "./keys.js";
import { layers } from "./layers.js";

export function sessionOver() {
  document.querySelectorAll("dialog[open]").forEach((box) => box.close());
  document.documentElement.dataset.view = "over";
  layers.popover?.hidePopover();
  bind([]);
  document.title = "Review";
  for (const id of ["top", "live", "toasts"]) byId(id).replaceChildren();
  byId("main").replaceChildren(
    el(
      "section",
      { class: "card centred", role: "alert" },
      el("h1", {}, "This session is over"),
      el("p", {}, "Everything you decided is kept. To go on, start this again in the terminal:"),
      el("pre", { tabindex: "0" }, "transcribe review STUDY"),
    ),
  );
}
