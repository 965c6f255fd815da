// Settle: shut while something is open, and then the way to what is open.
import { button, count } from "./dom.js";
import { confirm } from "./dialog.js";
import { note, say } from "./say.js";

export class Settle {
  constructor({ record, acts, toOpen, onSettled = () => {}, ready = () => true }) {
    Object.assign(this, { record, acts, toOpen, onSettled, ready });
    this.button = button("Settle", () => this.press(), { id: "settle", class: "primary", key: "\u21e7S", keyName: "Shift+S" });
    this.draw();
  }

  draw() {
    const open = this.record.opened.length;
    const { settled } = this.record;
    this.button.firstChild.textContent = this.working ? "Reading once more ..." : settled ? "Settled \u2713" : open ? `Settle (${open.toLocaleString("en-GB")} open)` : "Settle";
    // It stays reachable while it is shut, for pressing it leads to what is open.
    this.button.setAttribute("aria-disabled", String(open > 0 || settled || Boolean(this.working)));
    this.button.toggleAttribute("data-working", Boolean(this.working));
  }

  async press() {
    if (this.asked) return;
    const open = this.record.opened;
    if (open.length) {
      this.toOpen(open[0]);
      return say(`${count(open.length, "place is", "places are")} open. This is the first.`);
    }
    if (this.record.settled) return say("This transcript is settled.");
    this.asked = true;
    const turns = await this.acts.settle(() => this.sure());
    const left = !this.working;
    this.asked = this.working = false;
    this.draw();
    if (left) return;
    if (turns && this.record.settled) {
      note(`${this.record.id} is settled. It can be released.`);
      this.onSettled();
    } else if (this.record.opened.length) this.toOpen(this.record.opened[0]);
  }

  async sure() {
    if (!this.ready()) {
      say("The text was changed just now. Look at it, and settle it then.");
      return false;
    }
    this.working = await confirm("Settle this transcript?", [`You say with this that ${this.record.second ? "your second reading is done" : "you have read it and that what a release would write is right"}.`, "All of it is read once more by the rules first; that takes up to a minute."], "Settle");
    if (this.working) {
      this.draw();
      say("Reading once more. This takes up to a minute.");
    }
    return this.working;
  }
}
