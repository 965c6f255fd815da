// What a release would write, beside what was said, turn by turn.
import { get } from "./api.js";
import { el, button, clock, count } from "./dom.js";
import { Acts } from "./acts.js";
import { RecordModel } from "./record.js";
import { Settle } from "./settle.js";
import { releaseDialog } from "./release.js";
import { failed } from "./say.js";
import { hueOf } from "./turn.js";
import { slice, textOf } from "./text.js";

export async function show(root, { session, args: [id], go, alive }) {
  // In this order: what came between makes the text newer than what would be signed, and the server refuses that.
  const record = new RecordModel(await get(pathOf(id)));
  const view = new Preview({ record, session, go, alive });
  await view.load();
  if (!alive()) return view.leave();
  view.begin(root);
  return view;
}

const pathOf = (id) => `/api/recordings/${encodeURIComponent(id)}`;

class Preview {
  constructor({ record, session, go, alive }) {
    Object.assign(this, { record, alive, title: `${record.id}: preview` });
    const { id } = record;
    this.acts = new Acts(record, session.reviewer);
    // What shows is what she signs: nothing can be settled while another text is on its way.
    this.settle = new Settle({ record, acts: this.acts, toOpen: (place) => go(`#/${id}/${place.id}`), ready: () => this.shown === record.version });
    const release = () => releaseDialog(session, [id], record);
    this.status = el("p", { class: "status", id: "status" });
    this.text = el("div", {});
    this.bar = el(
      "div",
      { id: "bar", class: "bar" },
      el("h1", {}, `${id}: preview`),
      this.status,
      el("div", { class: "buttons" }, el("a", { href: `#/${id}`, class: "button quiet", id: "back-to-text" }, "Transcript"), this.settle.button, (this.release = button("Release ...", release, { id: "release", key: "\u21e7L", keyName: "Shift+L" }))),
    );
    this.keys = [
      { group: "Preview", keys: ["S"], does: "settle, or go to the first open place", run: () => this.settle.press() },
      { group: "Preview", keys: ["L"], does: "release", run: release },
      { group: "Preview", keys: ["Escape"], does: "back to the transcript", run: () => go(`#/${id}`) },
    ];
    // Another window may have decided meanwhile, or the search for repeats found some.
    this.returned = () => this.acts.catchUp();
    record.onChange(() => this.changed());
  }

  begin(root) {
    root.replaceChildren(this.bar, this.text);
    addEventListener("focus", this.returned);
    this.acts.watch();
  }

  async load() {
    const { record } = this;
    const version = (this.asked = record.version);
    const preview = await get(`${pathOf(record.id)}/preview`);
    if (this.asked !== version) return;
    this.shown = version;
    const at = scrollY;
    this.text.replaceChildren(preview.refused ? el("section", { class: "card centred", role: "alert" }, el("h2", {}, "This would not be released"), el("p", {}, preview.refused)) : sides(record, preview));
    scrollTo(0, at);
    this.draw();
  }

  changed() {
    if (!this.alive()) return;
    this.draw();
    if (this.record.version === this.asked) return;
    this.load().catch((error) => {
      // The text of before is not what would be released.
      this.text.replaceChildren(el("p", { class: "wait" }, "This could not be read again. Reload the page."));
      failed(error);
    });
  }

  draw() {
    const { record } = this;
    const open = record.opened.length;
    const more = record.busy ? " Still looking for repeats." : "";
    this.status.replaceChildren(el("span", { class: "state" }, record.state), ` ${open ? `${count(open, "place is", "places are")} open.` : "Nothing is open."}${more}`);
    this.release.classList.toggle("primary", record.settled);
    this.settle.draw();
  }

  leave() {
    this.acts.stop();
    removeEventListener("focus", this.returned);
  }
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
