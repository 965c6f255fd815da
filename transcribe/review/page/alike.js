// A list of words that sound like somebody known and are not marked. Asked for when it is opened, since it takes a while.
import { get } from "./api.js";
import { el, button } from "./dom.js";
import { failed } from "./say.js";
import { said, slice, textOf, wordsAt } from "./text.js";

export class Alike {
  constructor({ record, place, hear }) {
    Object.assign(this, { record, place, hear });
    this.list = el("ol", {});
    this.box = el("aside", { id: "alike", hidden: true, "aria-label": "Words that sound like somebody known" }, el("div", { class: "head" }, el("h2", {}, "Sounds like somebody known"), button("Close", () => this.toggle(), { class: "quiet", key: "I" })), this.list);
    this.rows = [];
    record.onChange((turns) => {
      if (turns.size && !this.box.hidden) this.prune();
    });
  }

  async toggle() {
    this.box.hidden = !this.box.hidden;
    document.documentElement.toggleAttribute("data-alike", !this.box.hidden);
    if (this.box.hidden) return document.getElementById("transcript").focus({ preventScroll: true });
    this.list.replaceChildren(el("li", { class: "faint" }, "Listening through the transcript ..."));
    try {
      const { alike } = await get(`/api/recordings/${encodeURIComponent(this.record.id)}/alike`);
      this.rows = alike.map((row) => ({ ...row, text: this.textOf(row) }));
      this.draw();
      this.list.querySelector("button")?.focus();
    } catch (error) {
      this.list.replaceChildren();
      failed(error);
    }
  }

  textOf({ turn, start, end }) {
    const known = this.record.turns.get(turn);
    return known ? said(known, start, end) : "";
  }

  // Rows whose words were marked or rewritten meanwhile have been dealt with.
  prune() {
    const before = this.rows.length;
    this.rows = this.rows.filter((row) => this.textOf(row) === row.text && !this.record.marks(row.turn).some((mark) => mark.start < row.end && mark.end > row.start));
    if (this.rows.length !== before) this.draw();
  }

  draw() {
    const rows = this.rows.filter((row) => row.text).map((row) => el("li", {}, this.row(row)));
    this.list.replaceChildren(...(rows.length ? rows : [el("li", { class: "faint" }, "No other word sounds like anybody known.")]));
  }

  row(row) {
    const text = textOf(this.record.turns.get(row.turn));
    const before = slice(text, Math.max(0, row.start - 24), row.start).replace(/^\S*\s/u, "");
    const after = slice(text, row.end, row.end + 24).replace(/\s\S*$/u, "");
    const go = () => {
      const [first, last] = wordsAt(this.record.turns.get(row.turn), row.start, row.end);
      this.place.toWords(row.turn, first, last);
      this.hear();
    };
    return el("button", { type: "button", class: "row", on: { click: go }, data: { turn: row.turn } }, el("span", { class: "context" }, before, el("b", {}, row.text), after), el("span", { class: "as" }, `${row.name}? ${Math.round(row.score * 100)} %`));
  }
}
