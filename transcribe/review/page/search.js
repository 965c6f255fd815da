// A search over all transcripts of the study. Every hit leads to its place.
import { post } from "./api.js";
import { el, clock, count } from "./dom.js";
import { failed, say } from "./say.js";

// What was searched for is kept while the page lives, so that going back finds it again.
let last = "";

export async function show(root, { alive }) {
  const field = el("input", { type: "search", id: "search", value: last, "aria-label": "Words to search for", placeholder: "Words, as they were said", autocomplete: "off", spellcheck: "false" });
  const told = el("p", { class: "lead", role: "status" });
  const list = el("ol", { class: "hits", id: "hits" });
  root.replaceChildren(el("div", { class: "page narrow" }, el("h1", {}, "Search"), el("div", { role: "search" }, field), told, list));
  let timer = 0;
  let asked = 0;

  async function search() {
    last = field.value;
    const ticket = (asked += 1);
    if (last.trim().length < 2) {
      told.textContent = "Type two letters or more. Names are searched for as they were said, not as a release writes them.";
      return list.replaceChildren();
    }
    try {
      const { hits, more, unread } = await post("/api/search", { text: last.trim() });
      if (ticket !== asked || !alive()) return null;
      const found = hits.length ? `${count(hits.length, "place")}${more ? ", and more: type a longer piece" : ""}.` : "Nothing of that was said.";
      told.textContent = unread.length ? `${found} Not transcribed yet, or damaged, and not searched: ${unread.join(", ")}.` : found;
      list.replaceChildren(...hits.map(hit));
    } catch (error) {
      failed(error);
    }
    return null;
  }

  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, 180);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") search();
    else if (event.key === "ArrowDown") list.querySelector("a")?.focus();
    else if (event.key === "Escape") field.blur();
    else return;
    event.preventDefault();
  });
  field.focus();
  await search();
  const move = (step) => {
    const links = [...list.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    if (at + step < 0) field.focus();
    else links[Math.min(links.length - 1, at + step)]?.focus();
  };
  return {
    title: "Search",
    leave: () => {
      clearTimeout(timer);
      asked += 1;
      say("");
    },
    keys: [
      { group: "Search", keys: ["j", "ArrowDown"], does: "next place", run: () => move(1) },
      { group: "Search", keys: ["k", "ArrowUp"], does: "place before", run: () => move(-1) },
      { group: "Search", keys: ["3", "/"], does: "the search field", run: () => field.focus() },
    ],
  };
}

function hit({ recording, turn, start_s: start, before, text, after }) {
  return el("li", {}, el("a", { href: `#/${recording}/${turn}`, data: { turn } }, el("span", { class: "where" }, `${recording}${start === null ? "" : ` ${clock(start)}`}`), el("span", { class: "context" }, before, el("b", {}, text), after)));
}
