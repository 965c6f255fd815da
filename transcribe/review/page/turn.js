// One turn, painted: words as spans, findings around them, what a release would write beside them.
import { el, clock } from "./dom.js";
import { said, slice, starts, textOf } from "./text.js";

const HUES = [
  ["participant", /participant|self/],
  ["infant", /infant|baby|child|daughter|son\b|twin/],
  ["carer", /therap|midwi|doctor|nurse|visitor|health|interview|research|counsel|social worker|consultant|teacher/],
  ["family", /husband|wife|partner|mother|father|parent|sibling|sister|brother|aunt|uncle|cousin|grand|friend|family|in-law/],
];

export function hueOf(mark) {
  if (mark.kind === "person") return (HUES.find(([, pattern]) => pattern.test(`${mark.role} ${mark.relation}`.toLowerCase())) || ["person"])[0];
  if (mark.kind === "place") return "place";
  if (mark.kind === "organisation" || mark.kind === "service") return "service";
  return "number";
}

// What the study's policy leaves as it is (an age, say) has nothing written instead of it.
const STAYS = "stays, by the policy";

const SIGNS = { question: "? \u2192 ", who: "who? \u2192 ", withheld: "\u2192 ", unclear: "\u2192 " };

export function labelOf(mark) {
  if (mark.state === "kept") return mark.decided ? "kept \u2713" : "kept";
  return `${SIGNS[mark.state]}${mark.written || STAYS}${mark.decided ? " \u2713" : ""}`;
}

const SENTENCES = {
  question: "a question, stays unless you accept it",
  who: "several people bear this name",
  withheld: "withheld",
  kept: "kept as it is",
  unclear: "in an unclear stretch",
};

// The name of a mark begins with what is seen of it, so that it can be called by voice.
export function describe(turn, mark) {
  const who = [mark.role || mark.kind, mark.name].filter(Boolean).join(", ");
  const by = mark.decided && mark.by ? `, decided by ${mark.by}` : "";
  return `${said(turn, mark.start, mark.end)} ${labelOf(mark)}: ${who}, ${mark.written ? SENTENCES[mark.state] : STAYS}${by}`;
}

// What the margin of a turn shows, so that it is made anew only when that changes.
export const marginKey = (record, turn) => JSON.stringify([record.labels.get(turn.speaker), turn.start_s, turn.overlapped, record.unread.has(turn.id)]);

export const heightOf = (turn) => Math.max(Math.ceil(textOf(turn).length / 78) * 32, 50) + 13;

// The frame of a turn: cheap, and made for all turns at once. Its words come when it nears the window.
export function frame(record, turn) {
  const speaker = record.labels.get(turn.speaker) || { name: turn.speaker, written: "", tone: 0 };
  const timed = record.timed && turn.start_s !== null;
  const text = textOf(turn);
  const said = el("p", { class: "said" }, text);
  const label = `${speaker.name}${timed ? `, ${clock(turn.start_s)}` : ""}`;
  const box = el("article", { class: "turn", "aria-label": label, data: { turn: turn.id, tone: String(speaker.tone % 3) } }, margin(record, turn, speaker, timed), said);
  return { box, said, words: null, marks: new Map(), flags: new Map(), key: [], shown: marginKey(record, turn) };
}

function margin(record, turn, speaker, timed) {
  const name = el("button", { type: "button", class: "speaker", tabindex: "-1", title: "Rename this speaker (Shift R)", data: { act: "role" } }, speaker.name);
  const time = timed ? el("button", { type: "button", class: "time", tabindex: "-1", "aria-label": `${clock(turn.start_s)}, hear from here`, data: { act: "hear" } }, clock(turn.start_s)) : null;
  const written = speaker.written && speaker.written !== speaker.name ? el("span", { class: "as" }, `\u2192 ${speaker.written}`) : null;
  const notes = [
    turn.overlapped ? el("span", { class: "aside" }, "overlapping") : null,
    record.unread.has(turn.id) ? el("span", { class: "aside eye" }, "another language: read it by eye") : null,
  ];
  return el("div", { class: "margin" }, name, el("div", { class: "line" }, written, time), ...notes);
}

// Marks with the same bounds on the same words need only new attributes; this is what an accept costs.
export const keyOf = (turn, marks, flags) => [turn.words, marks.map((m) => `${m.id}:${m.start}-${m.end}`).join(), flags.map((f) => `${f.id}:${f.first_word}-${f.last_word}`).join()];

export function fill(view, record, turn) {
  const marks = record.marks(turn.id);
  const flags = record.flags(turn.id);
  view.words = turn.words.map(() => []);
  view.marks = new Map();
  view.flags = new Map();
  view.said.replaceChildren(...pieces(view, turn, marks, flags));
  view.key = keyOf(turn, marks, flags);
  faint(view, record, turn);
  dress(view, turn, marks, flags);
}

function pieces(view, turn, marks, flags) {
  const at = starts(turn);
  const out = [];
  const heads = new Map(flags.map((flag) => [flag.first_word, flag]));
  let next = 0;
  let open = null;
  turn.words.forEach(([text], i) => {
    if (heads.has(i)) out.push(" ", flagHead(view, heads.get(i)));
    for (let from = at[i]; from < at[i + 1]; ) {
      while (marks[next] && marks[next].end <= from) next += 1;
      const mark = marks[next];
      const inside = mark !== undefined && mark.start <= from;
      const to = Math.min(at[i + 1], inside ? mark.end : (mark?.start ?? Infinity));
      if (!inside) open = null;
      else if (open?.dataset.mark !== mark.id) out.push((open = markBox(view, mark)));
      const made = piece(view, i, slice(text, from - at[i], to - at[i]));
      if (open) open.firstChild.append(...made);
      else out.push(...made);
      from = to;
    }
  });
  return out;
}

// The space before a word stands outside its span, so that a highlight hugs the word.
function piece(view, i, text) {
  const bare = text.replace(/^\s+/u, "");
  const out = [];
  if (bare.length < text.length) out.push(text.slice(0, text.length - bare.length));
  if (!bare) return out;
  const span = el("span", { class: "w" }, bare);
  // A word cut by a mark's edge has one first piece; the others follow it.
  span.dataset[view.words[i].length ? "rest" : "word"] = String(i);
  view.words[i].push(span);
  out.push(span);
  return out;
}

function markBox(view, mark) {
  const box = el("span", { class: "mark", role: "button", tabindex: "-1", data: { mark: mark.id } }, el("span", { class: "hit" }), "\u00a0", el("span", { class: "as" }));
  view.marks.set(mark.id, box);
  return box;
}

function flagHead(view, flag) {
  const box = el("span", { class: "flag", role: "button", tabindex: "-1", data: { flagged: flag.id } });
  view.flags.set(flag.id, box);
  return box;
}

function faint(view, record, turn) {
  const rare = record.rare.get(turn.id);
  turn.words.forEach((word, i) => {
    const unsure = word[3] < 0.5;
    const uncommon = rare?.has(i);
    if (!unsure && !uncommon) return;
    for (const span of view.words[i]) span.classList.add(unsure ? "unsure" : "uncommon");
  });
}

export function dress(view, turn, marks, flags) {
  for (const mark of marks) {
    const box = view.marks.get(mark.id);
    if (!box) continue;
    box.dataset.state = mark.state;
    box.dataset.hue = hueOf(mark);
    box.toggleAttribute("data-decided", mark.decided);
    box.lastChild.textContent = labelOf(mark);
    box.setAttribute("aria-label", describe(turn, mark));
  }
  for (const flag of flags) {
    const box = view.flags.get(flag.id);
    if (!box) continue;
    const unclear = flag.state === "unclear";
    box.dataset.state = flag.state;
    box.toggleAttribute("data-decided", flag.decided);
    box.textContent = unclear ? `unclear: ${flag.reasons.join(", ")}${flag.decided ? " \u2713" : ""}` : "restored \u2713";
    box.setAttribute("aria-label", `${box.textContent}${unclear ? ": a stretch that perhaps nobody said" : `, although ${flag.reasons.join(", ")}`}`);
    for (let i = flag.first_word; i <= flag.last_word; i += 1) {
      for (const span of view.words[i] || []) span.classList.toggle("unclear", unclear);
    }
  }
}
