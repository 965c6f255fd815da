// What a release would write, beside what was said, turn by turn.
import { get } from "./api.js";
import { el, button, clock, count } from "./dom.js";
import { Acts } from "./acts.js";
import { RecordModel } from "./record.js";
import { Settle } from "./settle.js";
import { releaseDialog } from "./release.js";
import { hueOf } from "./turn.js";
import { slice, textOf } from "./text.js";

export async function show(root, { session, args: [id], go, alive }) {
  const path = `/api/recordings/${encodeURIComponent(id)}`;
  const [answer, preview] = await Promise.all([get(path), get(`${path}/preview`)]);
  if (!alive()) return {};
  const record = new RecordModel(answer);
  const acts = new Acts(record);
  const settle = new Settle({ record, acts, toOpen: (place) => go(`#/${id}/${place.id}`), onSettled: () => again() });
  const again = () => show(root, { session, args: [id], go, alive }).catch(() => location.reload());
  record.onChange(() => settle.draw());
  const release = () => releaseDialog(session, [id], record);
  const back = () => go(`#/${id}`);
  root.replaceChildren(
    el(
      "div",
      { id: "bar", class: "bar" },
      el("h1", {}, `${id}: preview`),
      el("p", { class: "status", id: "status" }, el("span", { class: "state" }, record.state), ` ${record.opened.length ? `${count(record.opened.length, "place is", "places are")} open.` : "Nothing is open."}`),
      el("div", { class: "buttons" }, el("a", { href: `#/${id}`, class: "button quiet", id: "back-to-text" }, "Transcript"), settle.button, button("Release ...", release, { id: "release", key: "\u21e7L", keyName: "Shift+L", class: record.settled ? "primary" : null })),
    ),
    preview.refused ? el("section", { class: "card centred", role: "alert" }, el("h2", {}, "This would not be released"), el("p", {}, preview.refused)) : sides(record, preview),
  );
  return {
    title: `${id}: preview`,
    leave: () => acts.stop(),
    keys: [
      { group: "Preview", keys: ["S"], does: "settle, or go to the first open place", run: () => settle.press() },
      { group: "Preview", keys: ["L"], does: "release", run: release },
      { group: "Preview", keys: ["Escape"], does: "back to the transcript", run: back },
    ],
  };
}

// A row for each turn, so both sides stand level however long either is. What joins no turn keeps a row of its own.
function sides(record, { header, lines }) {
  const byTurn = new Map();
  for (const line of lines) {
    if (!byTurn.has(line.turn)) byTurn.set(line.turn, []);
    byTurn.get(line.turn).push(line);
  }
  const rows = record.order.map((id) => row(record, id, byTurn.get(id) || []));
  return el(
    "div",
    { class: "sides", role: "table", "aria-label": "What was said, and what a release would write" },
    el("div", { role: "row", class: "pair heads" }, el("div", { role: "columnheader" }, "What was said (identified)"), el("div", { role: "columnheader" }, "What a release would write")),
    el("div", { role: "row", class: "pair" }, el("div", { role: "cell" }), el("div", { role: "cell", class: "released" }, ...header.map((line) => el("p", { class: "head-line" }, line)))),
    ...rows,
  );
}

function row(record, id, lines) {
  const turn = record.turns.get(id);
  const name = record.labels.get(turn.speaker)?.name || turn.speaker;
  const time = record.timed && turn.start_s !== null ? clock(turn.start_s) : "to this turn";
  const box = el(
    "div",
    { role: "row", class: "pair", data: { turn: id } },
    el("div", { role: "cell", class: "identified" }, el("p", {}, el("b", {}, `${name}: `), ...marked(record, turn), " ", el("a", { href: `#/${record.id}/${id}`, class: "small", "aria-label": `Go to ${time} in the transcript` }, time))),
    el("div", { role: "cell", class: "released" }, ...lines.map((line) => el("p", {}, el("b", {}, `${line.speaker}: `), ...line.parts.map(([text, kind]) => (kind ? el("span", { class: `part ${kind}` }, text) : text)))), lines.length ? "" : el("p", { class: "faint" }, "(nothing of this turn)")),
  );
  box.style.containIntrinsicBlockSize = `auto ${Math.max(40, Math.ceil(textOf(turn).length / 55) * 28 + 16)}px`;
  return box;
}

function marked(record, turn) {
  const text = textOf(turn);
  const out = [];
  let at = 0;
  for (const mark of record.marks(turn.id)) {
    out.push(slice(text, at, mark.start), el("span", { class: "mark", data: { state: mark.state, hue: hueOf(mark) } }, el("span", { class: "hit" }, slice(text, mark.start, mark.end))));
    at = mark.end;
  }
  return [...out, slice(text, at, undefined)];
}
