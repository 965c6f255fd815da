// Where the reviewer is: on a mark, or on words. Exactly one of the two, and every act asks here what it is about.
import { starts, wordsAt, said } from "./text.js";
import { describe } from "./turn.js";
import { say } from "./say.js";

export class Place {
  constructor(record, transcript) {
    this.record = record;
    this.transcript = transcript;
    this.mark = null;
    this.words = null;
    this.spot = null;
    this.onMove = () => {};
    transcript.onPainted = (turn) => this.dress(turn);
    record.onChange(() => this.check());
  }

  // --- marks

  toMark(id, { bring = true, focus = true, spoken = "" } = {}) {
    this.clear();
    this.mark = id;
    const box = this.transcript.box(id);
    this.dress(this.record.turnOf(id));
    this.spot = this.here();
    if (bring) this.transcript.bring(box);
    // Whoever works with the buttons below keeps the focus there.
    if (focus && box && !document.activeElement?.closest("#dock, #alike")) box.focus({ preventScroll: true });
    else if (!spoken) spoken = this.tell();
    if (spoken) say(spoken);
    this.onMove();
  }

  get found() {
    return this.mark && this.record.find(this.mark);
  }

  tell() {
    const place = this.found;
    if (!place) return "";
    if (place.reasons) return `Unclear stretch: ${place.reasons.join(", ")}`;
    return describe(this.record.turns.get(this.record.turnOf(this.mark)), place);
  }

  // --- words

  toWords(turn, anchor, head = anchor, { bring = true, spoken = true } = {}) {
    this.clear();
    this.words = { turn, anchor, head };
    this.transcript.root.dataset.words = "";
    this.spot = this.here();
    this.dress(turn);
    const spans = this.transcript.spans(turn, head);
    if (bring) this.transcript.bring(spans[0]);
    if (document.activeElement?.matches(".mark, .flag")) document.getElementById("transcript").focus({ preventScroll: true });
    if (spoken) say(this.spoken());
    this.onMove();
  }

  spoken() {
    const { turn, first, last } = this.range();
    const words = this.record.turns.get(turn).words.slice(first, last + 1);
    return words.map((word) => word[0].trim()).join(" ");
  }

  // The words that an act is about: those chosen, or those of the current mark.
  range() {
    if (this.words) {
      const { turn, anchor, head } = this.words;
      return { turn, first: Math.min(anchor, head), last: Math.max(anchor, head) };
    }
    const place = this.found;
    if (!place) return null;
    const turn = this.record.turnOf(this.mark);
    const [first, last] = wordsAt(this.record.turns.get(turn), place.start, place.end);
    return { turn, first, last };
  }

  get text() {
    const place = this.found;
    const turn = this.turn && this.record.turns.get(this.turn);
    return place ? said(turn, place.start, place.end) : this.words ? this.spoken() : "";
  }

  get turn() {
    return this.words?.turn || (this.mark && this.record.turnOf(this.mark)) || null;
  }

  // --- position

  // Where "next" and "before" count from: here, or the top of what is on the screen.
  here() {
    if (this.words) {
      const { turn, first } = this.range();
      return { turn, start: starts(this.record.turns.get(turn))[first] };
    }
    const place = this.found;
    if (place) return { turn: this.record.turnOf(this.mark), start: place.start };
    // The mark may have become another one by what was decided; its place has not moved.
    if (this.spot && this.record.turns.has(this.spot.turn)) return this.spot;
    return { turn: this.transcript.firstVisible(), start: -1 };
  }

  step(places, forward) {
    const here = this.here();
    const compare = (place) => this.record.compare(place, here);
    if (forward) return places.find((place) => compare(place) > 0 && place.id !== this.mark) || null;
    return places.findLast((place) => compare(place) < 0 && place.id !== this.mark) || null;
  }

  move(by, extend) {
    const start = this.words || this.begin();
    if (!start) return;
    let { turn, head } = start;
    head += this.words ? by : 0;
    const { order, rank, turns } = this.record;
    if (head < 0 || head >= turns.get(turn).words.length) {
      const next = order[rank.get(turn) + Math.sign(by)];
      if (extend || !next) return;
      turn = next;
      head = by > 0 ? 0 : turns.get(turn).words.length - 1;
    }
    this.toWords(turn, extend ? start.anchor : head, head);
  }

  // Up and down go by lines as they are set on the screen, and from turn to turn at the edges.
  line(by, extend) {
    const start = this.words || this.begin();
    if (!start) return;
    const span = this.transcript.spans(start.turn, start.head)[0];
    const hit = this.words && span ? this.probe(span, by) : null;
    if (hit && (!extend || hit.turn === start.turn)) return this.toWords(hit.turn, extend ? start.anchor : hit.word, hit.word);
    if (extend) return;
    const next = this.words ? this.record.order[this.record.rank.get(start.turn) + by] : start.turn;
    if (next) this.toWords(next, 0);
  }

  probe(span, by) {
    const rect = span.getBoundingClientRect();
    const height = parseFloat(getComputedStyle(span.closest(".said")).lineHeight);
    for (const aside of [0, 24, -24, 60, -60]) {
      const node = document.elementFromPoint(rect.left + 4 + aside, rect.top + rect.height / 2 + by * height);
      const word = node && wordOf(node);
      if (word) return word;
    }
    return null;
  }

  begin() {
    const range = this.range();
    if (range) return { turn: range.turn, anchor: range.first, head: range.first };
    const { left } = this;
    if (left && this.transcript.isVisible(left.turn) && left.first < this.record.turns.get(left.turn).words.length) return { turn: left.turn, anchor: left.first, head: left.first };
    const turn = this.transcript.firstVisible();
    return turn ? { turn, anchor: 0, head: 0 } : null;
  }

  // --- how it shows

  clear() {
    const box = this.mark && this.transcript.box(this.mark);
    if (box) {
      box.removeAttribute("aria-current");
      box.setAttribute("tabindex", "-1");
    }
    if (this.words) for (const span of this.range2spans()) span.classList.remove("chosen", "cursor");
    this.left = this.range() || this.left;
    this.transcript.root.removeAttribute("data-words");
    this.mark = null;
    this.words = null;
  }

  range2spans() {
    const { turn, first, last } = this.range();
    return this.record.turns.has(turn) ? this.transcript.spans(turn, first, last) : [];
  }

  dress(turn) {
    if (!turn || turn !== this.turn) return;
    if (this.mark) {
      const box = this.transcript.box(this.mark);
      box?.setAttribute("aria-current", "true");
      box?.setAttribute("tabindex", "0");
      return;
    }
    for (const span of this.range2spans()) span.classList.add("chosen");
    for (const span of this.transcript.spans(turn, this.words.head)) span.classList.add("cursor");
  }

  // A mark or a word that a change took away is no place to be; its turn still is.
  check() {
    if (this.mark && !this.record.turnOf(this.mark)) this.mark = null;
    if (this.words) {
      const turn = this.record.turns.get(this.words.turn);
      if (!turn || Math.max(this.words.anchor, this.words.head) >= turn.words.length) this.words = null;
    }
    this.onMove();
  }
}

export function wordOf(node) {
  const span = (node instanceof Element ? node : node.parentElement)?.closest("[data-word], [data-rest]");
  const turn = span?.closest("[data-turn]")?.dataset.turn;
  return turn ? { turn, word: Number(span.dataset.word ?? span.dataset.rest), mark: span.closest("[data-mark]")?.dataset.mark || null } : null;
}
