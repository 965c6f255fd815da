// Corrections of the transcript: words in place, turns split and joined, who speaks.
import { el, button } from "./dom.js";
import { openDialog } from "./dialog.js";
import { unveiled } from "./layers.js";
import { say } from "./say.js";
import { chooseWho } from "./choose.js";

export class Editing {
  constructor({ record, acts, place, transcript, session }) {
    Object.assign(this, { record, acts, place, transcript, session });
    // After the transcript has painted, and in the same breath: her next keys would be acts.
    record.onChange(() => this.hold());
  }

  get turn() {
    return this.place.turn || this.transcript.firstVisible();
  }

  // --- words

  words() {
    const range = this.place.range();
    if (!range || this.field) return say("Choose words first: with the mouse, or with the arrow keys.");
    const text = this.record.turns.get(range.turn).words.slice(range.first, range.last + 1).map((word) => word[0]).join("").trim();
    this.field = el("input", { type: "text", class: "inplace", id: "words", value: text, "aria-label": "Words as they were said. Empty takes them out. Enter keeps, escape leaves.", autocomplete: "off", spellcheck: "false" });
    this.field.style.width = `${Math.min(46, text.length + 4)}ch`;
    this.editing = { ...range, text, seen: this.acts.sight(range) };
    this.field.addEventListener("keydown", (event) => this.key(event));
    // Later, since a field that is taken out loses the focus before it can be put back.
    this.field.addEventListener("blur", () => queueMicrotask(() => this.leave()));
    this.put();
    this.field.select();
  }

  put() {
    const { turn, first, last } = this.editing;
    const spans = this.transcript.spans(turn, first, last);
    const said = this.transcript.views.get(turn).said;
    let child = spans[0];
    while (child.parentElement !== said) child = child.parentElement;
    // The field stands before the words (and outside a mark, which is a button); they wait unseen.
    said.insertBefore(this.field, child);
    spans.forEach((span) => span.classList.add("waiting"));
    this.editing.spans = spans;
    this.field.focus({ preventScroll: true });
  }

  // A turn that was painted anew, for marks that came in, say, has the field put back into it.
  hold() {
    const { field, editing } = this;
    if (!field || field.isConnected) return;
    const [from, to] = [field.selectionStart, field.selectionEnd];
    if (this.acts.sight(editing).turns === editing.seen.turns) {
      this.put();
      field.setSelectionRange(from, to);
      return;
    }
    this.close();
    if (field.value !== editing.text) unwritten(field.value, from);
  }

  key(event) {
    if (event.key === "Escape") this.close();
    else if (event.key === "Enter") this.commit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // Who clicks elsewhere has written the words, and so has who goes to another view; another window is no elsewhere.
  leave({ away = false } = {}) {
    if (this.field && (away || (this.field.isConnected && document.activeElement !== this.field))) this.commit({ stay: true });
  }

  close() {
    if (!this.field) return;
    const field = this.field;
    this.field = null;
    field.remove();
    this.editing.spans.forEach((span) => span.classList.remove("waiting"));
    document.getElementById("transcript").focus({ preventScroll: true });
  }

  async commit({ stay = false } = {}) {
    const { turn, first, last, text: before, seen } = this.editing;
    const text = this.field.value.trim().replace(/\s+/g, " ");
    this.close();
    if (text === before) return;
    const turns = await this.acts.act({ do: "words", turn, first_word: first, last_word: last, text }, new Map(), seen);
    if (!turns) return text && unwritten(text);
    const length = this.record.turns.get(turn)?.words.length || 0;
    if (length && !stay) this.place.toWords(turn, Math.min(first, length - 1), Math.min(first, length - 1), { spoken: false });
    say(text ? `Corrected: ${text}.` : `Taken out: ${before}.`);
  }

  // --- turns

  async split() {
    const range = this.place.range();
    if (!range) return say("Choose the word that a new turn begins with.");
    if (range.first === 0) return say("The turn begins with this word already.");
    const number = this.record.rank.get(range.turn);
    if (!(await this.acts.act({ do: "split", turn: range.turn, word: range.first }))) return;
    const made = this.record.order[number + 1];
    if (made) this.place.toWords(made, 0, 0, { spoken: false });
    say("Split: a new turn begins here. V changes who speaks.");
  }

  async merge() {
    const { turn } = this.place;
    if (!turn) return say("Choose a word of the turn that is to be joined with the one after it.");
    const size = this.record.turns.get(turn).words.length;
    if (!(await this.acts.act({ do: "merge", turn }))) return;
    if (this.record.turns.get(turn)?.words.length > size) this.place.toWords(turn, size, size, { spoken: false });
    say("Joined with the turn after it.");
  }

  async speaker() {
    const { turn } = this.place;
    if (!turn) return say("Choose a word of the turn that somebody else speaks.");
    const now = this.record.turns.get(turn).speaker;
    const seen = this.acts.sight({ turn });
    const label = await pickSpeaker(this.record.speakers, now);
    if (!label || label === now) return;
    if (await this.acts.act({ do: "speaker", turn, speaker: label }, new Map(), seen)) {
      const name = this.record.labels.get(this.record.turns.get(turn).speaker)?.name;
      say(`This turn is ${name}'s now.`);
    }
  }

  async role(label = this.record.turns.get(this.turn).speaker) {
    const speaker = this.record.labels.get(label);
    const seen = this.acts.sight({ label });
    const answer = await chooseWho({ title: `Who is ${speaker.name}? (${speaker.by})`, session: this.session, recording: this.record.id, speaker: true });
    if (answer && (await this.acts.act({ do: "role", label, who: answer.who }, new Map(), seen))) say(`${label} is ${answer.label} now.`);
  }
}

// What she wrote and the transcript has not got. A dialog, since whoever is writing goes on: the keys would be acts.
async function unwritten(text, at = text.length) {
  await unveiled();
  if (document.documentElement.dataset.view === "over") return;
  const field = el("input", { type: "text", id: "unwritten", value: text, "aria-label": "What you wrote", autocomplete: "off", spellcheck: "false" });
  const box = openDialog({
    title: "What you wrote is not in the transcript",
    body: [el("p", {}, "Its place was changed meanwhile, or it could not be saved. Look at the transcript, and write it again if you still want it."), el("div", { class: "field" }, field)],
    foot: [button("Close", () => box.close(), { class: "primary" })],
    focus: field,
  });
  field.setSelectionRange(at, at);
}

function pickSpeaker(speakers, now) {
  return new Promise((done) => {
    let answer = null;
    const take = (label) => {
      answer = label;
      box.close();
    };
    const rows = speakers.map((speaker, i) => button(`${speaker.name} (${speaker.role || speaker.label})`, () => take(speaker.label), { class: "row", key: String(i + 1), "aria-pressed": String(speaker.label === now) }));
    const box = openDialog({
      title: "Who speaks in this turn?",
      id: "speaker",
      body: [el("div", { class: "rows" }, ...rows, button("Somebody else, a new voice", () => take("new"), { class: "row", key: "0" }))],
      focus: rows.find((row) => row.getAttribute("aria-pressed") !== "true") || rows[0],
      onClose: () => done(answer),
    });
    box.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return; // the browser's own: zoom, tabs
      if (event.key === "0") take("new");
      else if (speakers[Number(event.key) - 1]) take(speakers[Number(event.key) - 1].label);
    });
  });
}
