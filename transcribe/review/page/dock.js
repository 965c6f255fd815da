// The dock below: what can be done about the place where one is, the strip, the player.
import { el, button } from "./dom.js";
import { hueOf, labelOf } from "./turn.js";

export class Dock {
  constructor({ record, place, strip, player, does }) {
    Object.assign(this, { record, place });
    this.text = el("span", { class: "what" });
    this.more = el("span", { class: "about" });
    const b = (name, label, key, keyName, props = {}) => button(label, does[name], { id: name, key, keyName, ...props });
    this.groups = {
      mark: [
        b("accept", "Accept", "A", "a", { class: "primary" }),
        b("keep", "Keep", "X", "x"),
        b("change", "Change ...", "C", "c"),
        b("accept-all", "Accept everywhere", "\u21e7A", "Shift+A", { class: "quiet" }),
        b("keep-all", "Keep everywhere", "\u21e7X", "Shift+X", { class: "quiet" }),
        b("why", "Why?", "W", "w"),
      ],
      flag: [b("unclear", "Leave unclear", "A", "a", { class: "primary" }), b("restore", "Restore", "O", "o"), b("drop", "Drop", "D", "d"), b("why-flag", "Why?", "W", "w")],
      words: [b("add", "Mark ...", "M", "m", { class: "primary" }), b("edit", "Edit", "T", "t"), b("split", "Split turn", "S", "s"), b("merge", "Join with next", "G", "g"), b("speaker", "Speaker ...", "V", "v")],
      none: [],
    };
    this.bars = Object.fromEntries(Object.entries(this.groups).map(([name, buttons]) => [name, el("div", { class: "buttons", hidden: true }, ...buttons)]));
    this.box = el(
      "section",
      { id: "dock", "aria-label": "Decisions and sound" },
      el("div", { class: "acts" }, el("div", { class: "now", id: "now" }, this.text, this.more), ...Object.values(this.bars), button("Next open", does["next-open"], { id: "next-open", class: "next", key: "N", keyName: "n" })),
      strip?.box || null,
      player?.bar || null,
    );
    this.draw();
  }

  draw() {
    const mark = this.place.found;
    const kind = mark?.reasons ? "flag" : mark ? "mark" : this.place.words ? "words" : "none";
    for (const [name, bar] of Object.entries(this.bars)) bar.hidden = name !== kind;
    this.text.textContent = kind === "flag" ? `\u201c${this.place.text}\u201d` : kind === "none" ? "" : this.place.text;
    this.text.dataset.hue = kind === "mark" ? hueOf(mark) : "";
    this.more.textContent = kind === "mark" ? this.about(mark) : kind === "flag" ? `unclear: ${mark.reasons.join(", ")}` : kind === "none" ? "N goes to the next open place, a click on a word plays it, ? lists all keys." : "words chosen";
  }

  about(mark) {
    const role = mark.role || mark.kind;
    return `${labelOf(mark)} \u00b7 ${role}${mark.name ? ` \u00b7 ${mark.name}` : ""}${mark.decided && mark.by ? ` \u00b7 by ${mark.by}` : ""}`;
  }
}
