// Two reviewers of one transcript: how far they agree, and every place where they do not.
import { get } from "./api.js";
import { el, count } from "./dom.js";

export async function show(root, { session, args: [id], go, alive }) {
  const view = { title: `${id}: agreement`, keys: [{ group: "Agreement", keys: ["Escape"], does: "back to the transcript", run: () => go(`#/${id}`) }] };
  if (session.second) {
    root.replaceChildren(el("section", { class: "card centred" }, el("h1", {}, "Agreement"), el("p", {}, "You are doing the second reading, blind to the first. The agreement shows in the first reviewer's window once both are done."), el("p", {}, el("a", { href: `#/${id}` }, "Back to the transcript"))));
    return view;
  }
  const answer = await get(`/api/recordings/${encodeURIComponent(id)}/agreement`).catch((error) => {
    // Nothing to compare yet is no fault: the server says in a sentence what is missing.
    if (error.status === 409) return { none: error.sentence };
    throw error;
  });
  if (!alive()) return {};
  if (answer.none) {
    root.replaceChildren(el("section", { class: "card centred" }, el("h1", {}, "Agreement"), el("p", {}, answer.none), el("p", {}, el("a", { href: `#/${id}` }, "Back to the transcript"))));
    return view;
  }
  root.replaceChildren(
    el("div", { class: "page" }, el("div", { class: "title" }, el("h1", {}, `${id}: agreement`), el("a", { class: "button", href: `#/${id}` }, "Transcript")), lead(answer), figures(answer), table(id, answer.differences)),
  );
  return view;
}

function lead({ first, second }) {
  if (!second.length) return el("p", { class: "lead" }, "Nobody has made a second reading yet. It is started in the terminal: transcribe review STUDY --second.");
  return el("p", { class: "lead" }, `First reading by ${first.join(", ") || "nobody yet"}, second by ${second.join(", ")}, blind to the first.`);
}

const shown = (kappa) => (kappa === null ? "not defined" : kappa.toFixed(2));

function figures({ units, agreed, kappa, kappa_who: who }) {
  const figure = (label, value, hint) => el("div", { class: "figure" }, el("dt", {}, label), el("dd", {}, el("strong", {}, value), el("span", {}, hint)));
  return el(
    "dl",
    { class: "figures" },
    figure("Cohen's kappa", shown(kappa), "withheld or not"),
    figure("Kappa, who it is", shown(who), "the same person or role"),
    figure("Agreed", `${agreed} of ${units}`, "places either reader decided"),
  );
}

function table(id, differences) {
  if (!differences.length) return el("p", { class: "lead" }, "There is no difference.");
  const side = ({ state, written }) => (state === "withheld" ? `withheld, ${written}` : state);
  const rows = differences.map((row) => el("tr", {}, el("th", { scope: "row" }, el("a", { href: `#/${id}/${row.turn}:${row.start}-${row.end}`, data: { turn: row.turn } }, row.text)), el("td", {}, side(row.first)), el("td", {}, side(row.second)), el("td", {}, row.turn)));
  return el(
    "section",
    {},
    el("h2", {}, count(differences.length, "difference")),
    el("p", { class: "faint" }, "Follow the words to their place and decide there; that settles the difference."),
    el("div", { class: "sheet" }, el("table", { id: "differences" }, el("caption", { class: "unseen" }, "Differences"), el("thead", {}, el("tr", {}, ...["Words", "First reading", "Second reading", "Turn"].map((name) => el("th", { scope: "col" }, name)))), el("tbody", {}, ...rows))),
  );
}
