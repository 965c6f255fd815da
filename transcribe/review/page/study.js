// The study: every recording, what is left to do, and the way to people, search and release.
import { get } from "./api.js";
import { el, button, clock, count } from "./dom.js";
import { releaseDialog } from "./release.js";
import { failed } from "./say.js";

const READABLE = new Set(["to review", "in review", "settled", "released"]);

// While the server still counts, its rows are asked for again; this is how long it is given for that between.
const AGAIN_MS = 1500;

export async function show(root, { session, go, alive }) {
  const first = await get("/api/study");
  if (!alive()) return {};
  const release = () => releaseDialog(session, []);
  const body = el("div", {});
  root.replaceChildren(el("div", { class: "page" }, el("div", { class: "title" }, el("h1", {}, "Study"), button("Release ...", release, { id: "release", class: "primary", key: "L", keyName: "Shift+L" })), body));
  const links = () => [...body.querySelectorAll("tbody th a")];
  let timer = 0;

  function draw(study) {
    const at = links().indexOf(document.activeElement);
    body.replaceChildren(summary(study), advice(study.advice), table(study.recordings.map(line)));
    if (at >= 0) links()[at]?.focus({ preventScroll: true });
    if (study.busy) timer = setTimeout(again, AGAIN_MS);
  }

  async function again() {
    try {
      const study = await get("/api/study");
      if (alive()) draw(study);
    } catch (error) {
      failed(error);
    }
  }

  draw(first);
  links()[0]?.focus({ preventScroll: true });
  const move = (step) => {
    const all = links();
    all[Math.min(all.length - 1, Math.max(0, all.indexOf(document.activeElement) + step))]?.focus();
  };
  return {
    title: "Study",
    leave: () => clearTimeout(timer),
    keys: [
      { group: "Study", keys: ["j", "ArrowDown"], does: "next recording", run: () => move(1) },
      { group: "Study", keys: ["k", "ArrowUp"], does: "recording before", run: () => move(-1) },
      { group: "Study", keys: ["Enter"], does: "open the recording", run: () => links()[0] && go(links()[0].hash) },
      { group: "Study", keys: ["L"], does: "release", run: release },
    ],
  };
}

function summary({ recordings, busy }) {
  if (busy && recordings.some((row) => row.questions === null)) return el("p", { class: "lead", id: "summary" }, "Counting what is open ...");
  const readable = recordings.filter((row) => READABLE.has(row.state));
  const done = readable.filter((row) => row.state === "settled" || row.state === "released").length;
  const left = recordings.reduce((sum, row) => sum + row.minutes_left, 0);
  const open = recordings.reduce((sum, row) => sum + openIn(row), 0);
  const text = `${done} of ${count(readable.length, "transcript")} settled. ${count(open, "place is", "places are")} open, about ${duration(left)} of work.`;
  return el("p", { class: "lead", id: "summary" }, text);
}

// What keeps it from being settled: questions, and stretches that perhaps nobody said.
const openIn = (row) => row.questions + row.flagged;

function duration(minutes) {
  const whole = Math.ceil(minutes);
  if (whole < 60) return count(whole, "minute");
  return `${Math.floor(whole / 60)} h ${String(whole % 60).padStart(2, "0")} min`;
}

function advice(sentences) {
  if (!sentences.length) return "";
  return el("ul", { class: "advice", "aria-label": "Advice" }, ...sentences.map((sentence) => el("li", {}, sentence)));
}

function table(rows) {
  const names = ["Recording", "State", "Open", "Time left", "Length", "Words", "Findings", "Reviewed by"];
  const head = names.map((name, i) => el("th", { scope: "col", class: i > 1 && i < 7 ? "number" : null }, name));
  return el("div", { class: "sheet" }, el("table", { id: "recordings" }, el("caption", { class: "unseen" }, "Recordings of this study"), el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows)));
}

function line(row) {
  const readable = READABLE.has(row.state);
  const name = readable ? el("a", { href: `#/${row.id}` }, row.id) : row.id;
  const who = [row.reviewers.join(", "), row.second_reviewers.length ? `second: ${row.second_reviewers.join(", ")}` : ""].filter(Boolean).join("; ");
  const second = readable && row.second_reviewers.length ? el("a", { href: `#/${row.id}/agreement`, class: "small" }, "agreement") : null;
  const number = (value) => el("td", { class: "number" }, value ? value.toLocaleString("en-GB") : el("span", { class: "faint" }, "-"));
  return el(
    "tr",
    { data: { recording: row.id, state: row.state } },
    el("th", { scope: "row" }, name),
    el("td", {}, state(row), row.lost ? el("span", { class: "lost" }, count(row.lost, "decision"), " lost") : null),
    number(openIn(row)),
    el("td", { class: "number" }, row.minutes_left ? duration(row.minutes_left) : el("span", { class: "faint" }, "-")),
    el("td", { class: "number" }, row.duration_s === null ? el("span", { class: "faint" }, "-") : clock(row.duration_s)),
    number(row.words),
    number(row.findings),
    el("td", {}, who || el("span", { class: "faint" }, "nobody yet"), second ? " " : null, second),
  );
}

const SIGN = { settled: "\u2713", released: "\u2713", "to review": "\u25cb", "in review": "\u25d0", failed: "!" };

function state(row) {
  const more = row.state === "released" && row.release ? ` (${row.release})` : "";
  const on = row.settled_on ? el("span", { class: "small faint" }, ` ${row.settled_on}`) : null;
  return el("span", {}, el("span", { class: "state" }, el("span", { "aria-hidden": "true", class: "sign" }, SIGN[row.state] || "\u00b7"), `${row.state}${more}`), on);
}
