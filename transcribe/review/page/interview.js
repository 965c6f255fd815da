// One interview: the document in the middle, what can be done about it around.
import { get } from "./api.js";
import { el, button, count } from "./dom.js";
import { RecordModel } from "./record.js";
import { Acts } from "./acts.js";
import { Transcript, legend } from "./transcript.js";
import { Place, wordOf } from "./place.js";
import { Marks } from "./marks.js";
import { Editing } from "./editing.js";
import { Player } from "./player.js";
import { Strip } from "./strip.js";
import { Times, soundOf } from "./times.js";
import { wordsAt } from "./text.js";
import { say } from "./say.js";
import { Dock } from "./dock.js";
import { Alike } from "./alike.js";
import { Settle } from "./settle.js";
import { carriedBanner } from "./carried.js";
import { explain } from "./explain.js";
import { uncertain } from "./uncertain.js";
import { interviewKeys } from "./interview_keys.js";
import { releaseDialog } from "./release.js";

export async function show(root, { session, args: [id, turn], go, alive }) {
  const record = new RecordModel(await get(`/api/recordings/${encodeURIComponent(id)}`));
  if (!alive()) return {};
  const view = new Interview(root, record, session, go);
  view.goTo(turn, true);
  return view;
}

class Interview {
  constructor(root, record, session, go) {
    Object.assign(this, { record, session, go, id: record.id, title: record.id });
    this.acts = new Acts(record, session.reviewer);
    this.document = el("section", { id: "transcript", tabindex: "0", "aria-label": `Transcript of ${record.id}` });
    this.transcript = new Transcript(this.document, record);
    this.place = new Place(record, this.transcript);
    const parts = { record, acts: this.acts, place: this.place, transcript: this.transcript, session };
    this.marks = new Marks(parts);
    this.editing = new Editing(parts);
    this.alike = new Alike({ record, place: this.place, hear: () => this.hear() });
    this.settle = new Settle({ record, acts: this.acts, toOpen: (place) => this.place.toMark(place.id), onSettled: () => session.second || go(`#/${record.id}/preview`) });
    this.sound();
    this.dock = new Dock({ ...parts, strip: this.strip, player: this.player, does: this.does() });
    this.keys = interviewKeys(this);
    this.bar = this.makeBar();
    this.banner = el("div", { class: "banners" });
    root.replaceChildren(this.bar, el("div", { class: "reading" }, el("div", { class: "column" }, this.banner, legend(), this.document), this.alike.box), this.dock.box);
    this.listen();
    this.draw();
  }

  // Without a sound or times there is nothing to hear and no place in time.
  sound() {
    const { record, session } = this;
    if (!record.timed) return;
    this.times = new Times(record);
    if (record.has_sound) {
      this.player = new Player(record.id, session.ticket, record.duration_s, () => this.acts.refresh());
      this.player.onTime = (now, playing) => this.follow(now, playing);
    }
    this.strip = new Strip(record, { seek: (seconds) => this.seek(seconds) });
    this.transcript.onSight = (ends) => this.strip.show(ends);
  }

  does() {
    const { marks, editing } = this;
    return {
      accept: () => marks.decide("accept"),
      keep: () => marks.decide("keep"),
      change: () => marks.change(),
      "accept-all": () => marks.decide("accept", true),
      "keep-all": () => marks.decide("keep", true),
      why: () => explain(this.record, this.place),
      "why-flag": () => explain(this.record, this.place),
      unclear: () => marks.stretch("unclear"),
      restore: () => marks.stretch("restore"),
      drop: () => marks.stretch("drop"),
      add: () => marks.add(),
      edit: () => editing.words(),
      split: () => editing.split(),
      merge: () => editing.merge(),
      speaker: () => editing.speaker(),
      "next-open": () => marks.open(true),
    };
  }

  makeBar() {
    const { marks } = this;
    this.status = el("p", { class: "status", id: "status" });
    this.undoButton = button("Undo", () => marks.undo(), { id: "undo", class: "quiet", key: "U", keyName: "u Control+Z" });
    this.redoButton = button("Redo", () => marks.redo(), { id: "redo", class: "quiet", key: "R", keyName: "r Control+Shift+Z" });
    return el(
      "div",
      { id: "bar", class: "bar" },
      el("h1", {}, this.record.id),
      this.status,
      el(
        "div",
        { class: "buttons" },
        this.undoButton,
        this.redoButton,
        button("Sounds like", () => this.alike.toggle(), { id: "sounds-like", class: "quiet", key: "I", keyName: "i" }),
        this.record.compared ? el("a", { href: `#/${this.record.id}/agreement`, class: "button quiet", id: "agreement" }, "Agreement") : null,
        el("a", { href: `#/${this.record.id}/preview`, class: "button quiet", id: "preview" }, "Preview"),
        this.settle.button,
      ),
    );
  }

  draw() {
    const { record } = this;
    const open = record.opened.length;
    const more = record.busy ? " Still looking for repeats." : "";
    this.status.replaceChildren(el("span", { class: "state" }, record.state), ` ${open ? `${count(open, "place is", "places are")} open.` : "Nothing is open."}${more}`);
    for (const [node, verb, name] of [
      [this.undoButton, "Undo", record.undo],
      [this.redoButton, "Redo", record.redo],
    ]) {
      node.setAttribute("aria-disabled", String(!name));
      node.title = name ? `${verb} ${name}` : `Nothing to ${verb.toLowerCase()}`;
    }
    this.settle.draw();
    if (record.carried !== this.carried) {
      this.carried = record.carried;
      this.banner.replaceChildren(carriedBanner(record));
    }
    this.dock.draw();
  }

  listen() {
    this.place.onMove = () => this.dock.draw();
    this.record.onChange(() => this.draw());
    this.document.addEventListener("click", (event) => this.click(event));
    this.document.addEventListener("pointerup", () => setTimeout(() => this.select()));
    // Another window may have decided meanwhile.
    this.returned = () => {
      if (document.visibilityState === "visible") this.acts.catchUp();
    };
    addEventListener("focus", this.returned);
    this.acts.watch();
  }

  click(event) {
    if (!getSelection().isCollapsed) return;
    const act = event.target.closest("[data-act]")?.dataset.act;
    const turn = event.target.closest("[data-turn]")?.dataset.turn;
    if (act === "role") return this.editing.role(this.record.turns.get(turn).speaker);
    if (act === "hear") return this.player && this.player.from(this.record.turns.get(turn).start_s);
    const flag = event.target.closest("[data-flagged]");
    if (flag) return this.place.toMark(flag.dataset.flagged, { bring: false });
    const word = wordOf(event.target);
    const mark = event.target.closest("[data-mark]")?.dataset.mark;
    if (mark) this.place.toMark(mark, { bring: false });
    else if (word) this.place.toWords(word.turn, event.shiftKey && this.place.words?.turn === word.turn ? this.place.words.anchor : word.word, word.word, { bring: false });
    if (word && !event.shiftKey) this.hear(word);
  }

  // The browser's own selection becomes ours: whole words of one turn.
  select() {
    const selection = getSelection();
    if (selection.isCollapsed || !this.document.contains(selection.anchorNode)) return;
    const range = selection.getRangeAt(0);
    const spans = touched(range);
    selection.removeAllRanges();
    const [first, last] = [spans[0], spans.at(-1)].map((span) => span && wordOf(span));
    if (!first) return;
    if (first.turn !== last.turn) return this.place.toWords(first.turn, first.word, this.record.turns.get(first.turn).words.length - 1, { bring: false });
    this.place.toWords(first.turn, first.word, last.word, { bring: false });
  }

  // --- sound

  hear(word = null) {
    if (!this.player) return;
    if (word) {
      const from = soundOf(this.record.turns.get(word.turn), word.word, word.word);
      return from && this.player.from(from[0]);
    }
    const range = this.place.range();
    const span = range && soundOf(this.record.turns.get(range.turn), range.first, range.last);
    if (span) this.player.around(...span);
    else this.player.toggle();
  }

  seek(seconds) {
    this.player?.seek(seconds);
    this.strip.move(seconds);
    const row = this.times.at(seconds) || this.times.rows?.[0];
    const id = row?.turn;
    if (id) this.transcript.bring(this.transcript.words(id).box, true);
  }

  follow(now, playing) {
    this.strip.move(now);
    const row = this.times.at(now);
    if (row === this.lit?.row) return;
    // What is read is read before anything is written, so no frame is laid out twice.
    const spans = row ? this.transcript.spans(row.turn, row.word) : [];
    const away = playing && spans.length && this.player.follow.checked && this.outside(spans[0]);
    for (const span of this.lit?.spans || []) span.classList.remove("said-now");
    for (const span of spans) span.classList.add("said-now");
    this.lit = { row, spans };
    if (away) this.transcript.bring(spans[0], true);
  }

  outside(span) {
    const [top, bottom] = this.transcript.free();
    const rect = span.getBoundingClientRect();
    return rect.top < top || rect.bottom > bottom;
  }

  // --- places

  goTo(turn, first = false) {
    if (turn) return this.goToPlace(turn);
    return first ? null : scrollTo(0, 0);
  }

  // "U0012", "U0012:5-12" (code points) or a mark's id.
  goToPlace(name) {
    const [, id, start, end] = /^([^:]+)(?::(\d+)-(\d+))?$/.exec(name) || [];
    const turn = this.record.turns.get(id);
    if (turn) return this.place.toWords(id, ...(start ? wordsAt(turn, Number(start), Number(end)) : [0]));
    if (this.record.turnOf(id)) return this.place.toMark(id);
    return say("That place is not in this transcript any more.");
  }

  uncertain(forward) {
    uncertain(this, forward);
  }

  release() {
    releaseDialog(this.session, [this.id], this.record);
  }

  leave() {
    this.editing.leave({ away: true });
    this.acts.stop();
    this.player?.leave();
    this.strip?.leave();
    this.transcript.leave();
    removeEventListener("focus", this.returned);
    document.documentElement.removeAttribute("data-alike");
  }
}

function touched(range) {
  const root = range.commonAncestorContainer;
  const scope = root instanceof Element ? root : root.parentElement;
  const own = scope.closest("[data-word], [data-rest]");
  const spans = own ? [own] : [...scope.querySelectorAll("[data-word], [data-rest]")];
  return spans.filter((span) => range.intersectsNode(span));
}
