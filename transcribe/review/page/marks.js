// What a reviewer decides about marks: accept, keep, change, everywhere; and about stretches: leave unclear, restore, drop.
import { count } from "./dom.js";
import { say, note } from "./say.js";
import { chooseWho } from "./choose.js";
import { spanOf } from "./text.js";

const STRETCH = { unclear: "stays unclear", restore: "is restored", drop: "is dropped" };
const NOTHING = "No mark is chosen. N goes to the next open place.";

export class Marks {
  constructor({ record, acts, place, session }) {
    Object.assign(this, { record, acts, place, session });
  }

  // --- moving

  open(forward) {
    const places = this.record.opened;
    if (!places.length) return say("Nothing is open. The transcript can be settled.");
    const next = this.place.step(places, forward);
    if (next) return this.place.toMark(next.id);
    const round = places.at(forward ? 0 : -1);
    const only = round.id === this.place.mark;
    this.place.toMark(round.id);
    say(only ? "This is the only open place." : forward ? "From the end to the first open place." : "From the beginning to the last open place.");
  }

  any(forward) {
    const next = this.place.step(this.record.places(), forward);
    if (next) this.place.toMark(next.id);
    else say(forward ? "No mark after this one." : "No mark before this one.");
  }

  // --- deciding

  decide(verb, everywhere = false) {
    const mark = this.place.found;
    if (!mark) return say(NOTHING);
    if (mark.reasons) return everywhere ? say("A stretch is decided by itself.") : this.stretch(verb === "keep" ? "restore" : "unclear");
    const text = this.place.text;
    const by = this.session.reviewer;
    const state = verb === "keep" ? "kept" : mark.state === "unclear" ? "unclear" : "withheld";
    const done = this.acts.act({ do: verb, marks: [mark.id], everywhere }, new Map([[mark.id, { state, decided: true, by }]]));
    if (everywhere) done.then((turns) => turns && note(`${verb === "keep" ? "Kept" : "Accepted"} everywhere: \u201c${text}\u201d. ${count(turns.size, "turn")} changed here.`));
    this.moveOn(`${verb === "keep" ? "Kept" : "Accepted"} \u201c${text}\u201d`);
  }

  moveOn(what) {
    const left = this.record.opened.length;
    const next = this.place.step(this.record.opened, true);
    if (next) {
      this.place.toMark(next.id, { spoken: " " });
      return say(`${what}. ${left} open. Now: ${this.place.tell()}`);
    }
    this.place.onMove();
    say(left ? `${what}. No open place follows; ${count(left, "is", "are")} open before this one.` : `${what}. Nothing is open any more: the transcript can be settled.`);
  }

  async change() {
    const mark = this.place.found;
    if (!mark) return this.place.words ? this.add() : say(NOTHING);
    if (mark.reasons) return say("This is an unclear stretch: A leaves it unclear, O restores it, D drops it.");
    const seen = this.acts.sight({ marks: [mark.id] });
    const answer = await this.who(`Who or what is \u201c${this.place.text}\u201d?`, mark);
    if (!answer) return;
    const { who, everywhere, label } = answer;
    const turns = await this.acts.act({ do: "change", marks: [mark.id], who, everywhere }, new Map(), seen);
    if (turns) this.moveOn(`Changed to ${label}`);
  }

  // A name that was missed. It is marked without the stops around it; what it touches gives way.
  async add() {
    const range = this.place.range();
    if (!range || !this.place.words) return say("Choose words first: with the mouse, or with the arrow keys.");
    const turn = this.record.turns.get(range.turn);
    const [start, end] = spanOf(turn, range.first, range.last);
    const text = this.place.text;
    const seen = this.acts.sight(range);
    const answer = await this.who(`Mark \u201c${text}\u201d as ...`, { turn: range.turn, start, end });
    if (!answer) return;
    const { who, everywhere, label } = answer;
    const turns = await this.acts.act({ do: "add", turn: range.turn, start, end, who, everywhere }, new Map(), seen);
    if (!turns) return;
    const made = this.record.marks(range.turn).find((mark) => mark.start < end && mark.end > start);
    if (made) this.place.toMark(made.id, { spoken: " " });
    note(`Marked \u201c${text}\u201d as ${label}${turns.size > 1 ? `, in ${turns.size} turns` : ""}.${this.record.busy ? " Its repeats in the study are being looked for." : ""}`);
  }

  who(title, { turn = this.place.turn, start, end }) {
    return chooseWho({ title, session: this.session, recording: this.record.id, span: { turn, start, end } });
  }

  // --- stretches that perhaps nobody said

  stretch(verb) {
    const here = this.place.found;
    const flag = here?.reasons ? here : this.touched();
    if (!flag) return say("No unclear stretch is here.");
    const effect = verb === "restore" ? new Map([[flag.id, { state: "restored", decided: true }]]) : new Map([[flag.id, { decided: true }]]);
    if (this.place.mark !== flag.id) this.place.toMark(flag.id, { bring: false });
    this.acts.act({ do: verb, flagged: [flag.id] }, effect);
    this.moveOn(`The stretch ${STRETCH[verb]}`);
  }

  touched() {
    const range = this.place.range();
    return range && this.record.flags(range.turn).find((flag) => flag.first_word <= range.last && flag.last_word >= range.first);
  }

  // --- taking back

  async undo() {
    const name = this.record.undo;
    if (!name && !this.acts.waiting) return say("There is nothing to take back.");
    const before = new Map(this.record.base);
    this.show(await this.acts.undo(), before, `Undone: ${name || "the last act"}.`);
  }

  async redo() {
    const name = this.record.redo;
    if (!name) return say("There is nothing to do again.");
    const before = new Map(this.record.base);
    this.show(await this.acts.redo(), before, `Done again: ${name}.`);
  }

  // What came back must be seen: the first mark that is not as it was becomes the current one.
  show(turns, before, sentence) {
    if (!turns) return;
    note(sentence);
    for (const id of this.record.order) {
      if (!turns.has(id)) continue;
      const old = new Set((before.get(id) || []).map((mark) => JSON.stringify(mark)));
      const changed = this.record.marks(id).find((mark) => !old.has(JSON.stringify(mark)));
      const flag = changed ? null : this.record.flags(id)[0];
      if (changed || flag) return this.place.toMark((changed || flag).id, { spoken: sentence });
    }
  }
}
