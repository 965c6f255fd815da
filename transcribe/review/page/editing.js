// Corrections of the transcript: words in place, turns split and joined, who speaks.
import { el, button } from "./dom.js";
import { openDialog } from "./dialog.js";
import { say } from "./say.js";
import { chooseWho } from "./choose.js";

export class Editing {
  constructor({ record, acts, place, transcript, session }) {
    Object.assign(this, { record, acts, place, transcript, session });
  }

  get turn() {
    return this.place.turn || this.transcript.firstVisible();
  }

  // --- words

  words() {
    const range = this.place.range();
    if (!range || this.field) return say("Choose words first: with the mouse, or with the arrow keys.");
    const { turn, first, last } = range;
    const spans = this.transcript.spans(turn, first, last);
    const text = this.record.turns.get(turn).words.slice(first, last + 1).map((word) => word[0]).join("").trim();
    this.field = el("input", { type: "text", class: "inplace", id: "words", value: text, "aria-label": "Words as they were said. Empty takes them out. Enter keeps, escape leaves.", autocomplete: "off", spellcheck: "false" });
    this.field.style.width = `${Math.min(46, text.length + 4)}ch`;
    const said = this.transcript.views.get(turn).said;
    let child = spans[0];
    while (child.parentElement !== said) child = child.parentElement;
    // The field stands before the words (and outside a mark, which is a button); they wait unseen.
    said.insertBefore(this.field, child);
    spans.forEach((span) => span.classList.add("waiting"));
    this.editing = { turn, first, last, text, spans, seen: this.acts.sight(range) };
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.field.addEventListener("blur", () => this.leave());
    this.field.focus();
    this.field.select();
  }

  key(event) {
    if (event.key === "Escape") this.close();
    else if (event.key === "Enter") this.commit();
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  // Who clicks elsewhere has written the words; another window is no elsewhere, and a turn painted anew no click.
  leave() {
    if (!this.field?.isConnected) this.close();
    else if (document.activeElement !== this.field) this.commit({ stay: true });
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
    if (!turns) return;
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
    const turn = this.turn;
    const size = this.record.turns.get(turn).words.length;
    if (!(await this.acts.act({ do: "merge", turn }))) return;
    if (this.record.turns.get(turn)?.words.length > size) this.place.toWords(turn, size, size, { spoken: false });
    say("Joined with the turn after it.");
  }

  async speaker() {
    const turn = this.turn;
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
    const answer = await chooseWho({ title: `Who is ${speaker.name}? (${speaker.by})`, session: this.session, recording: this.record.id, speaker: true });
    if (answer && (await this.acts.act({ do: "role", label, who: answer.who }))) say(`${label} is ${answer.label} now.`);
  }
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
      if (event.key === "0") take("new");
      else if (speakers[Number(event.key) - 1]) take(speakers[Number(event.key) - 1].label);
    });
  });
}
