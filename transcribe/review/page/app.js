// The page: one session, one view at a time, chosen by the hash.
import { look, post, session } from "./api.js";
import { told } from "./acts.js";
import { byId, el, button } from "./dom.js";
import { answered, gone } from "./gone.js";
import { bind, bindCommon, help, listen } from "./keys.js";
import { failed, say } from "./say.js";
import * as study from "./study.js";
import * as interview from "./interview.js";
import * as preview from "./preview.js";
import * as agreement from "./agreement.js";
import * as people from "./people.js";
import * as search from "./search.js";

const LOOK_MS = 20_000;
const UNANSWERED = 2; // looks in a row

// All tabs of this browser hide what they show when one of them puts the key away.
const others = new BroadcastChannel("review");

const state = { session: null, view: null, hash: "", turn: 0 };

const ROUTES = [
  [/^#?\/?$/, "study", study],
  [/^#\/people$/, "people", people],
  [/^#\/search$/, "search", search],
  [/^#\/([^/]+)\/preview$/, "preview", preview],
  [/^#\/([^/]+)\/agreement$/, "agreement", agreement],
  [/^#\/([^/]+)(?:\/([^/]+))?$/, "interview", interview],
];

const go = (hash) => {
  location.hash = hash;
};

function find(hash) {
  for (const [pattern, name, module] of ROUTES) {
    const match = pattern.exec(hash);
    if (match) return { name, module, args: match.slice(1).map((part) => (part === undefined ? null : decodeURIComponent(part))) };
  }
  return { name: "study", module: study, args: [] };
}

async function route() {
  const hash = location.hash;
  const { name, module, args } = find(hash);
  // A link to another place of the interview that is open moves there and loads nothing.
  if (name === "interview" && state.view?.goTo && state.view.id === args[0]) return state.view.goTo(args[1]);
  const ticket = (state.turn += 1);
  state.view?.leave?.();
  state.view = null;
  bind([]);
  const root = byId("main");
  root.replaceChildren(el("p", { class: "wait" }, "Loading ..."));
  header(name, args[0]);
  scrollTo(0, 0);
  try {
    await told();
    if (ticket !== state.turn) return null;
    const view = await module.show(root, { session: state.session, args, go, alive: () => ticket === state.turn });
    if (ticket !== state.turn) return view?.leave?.();
    state.view = view;
    bind(view.keys || []);
    document.title = `${view.title} - Review`;
    document.documentElement.dataset.view = name;
    say(view.title);
  } catch (error) {
    if (ticket === state.turn) trouble(root, error);
  }
}

function trouble(root, error) {
  if (error.handled) return;
  document.documentElement.dataset.view = "error";
  root.replaceChildren(
    el("section", { class: "card centred" }, el("h1", {}, "This could not be opened"), el("p", {}, error.sentence || "Something went wrong in the page."), el("p", {}, el("a", { href: "#/" }, "Back to the study"))),
  );
  if (!error.sentence) console.error(error);
}

function header(name, id) {
  const link = (href, text, here, key) => el("a", { href, "aria-current": here ? "page" : null, "aria-keyshortcuts": key }, text);
  const { reviewer, second } = state.session;
  byId("top").replaceChildren(
    el(
      "nav",
      { "aria-label": "Study" },
      link("#/", "Study", name === "study", "1"),
      link("#/people", "People", name === "people", "2"),
      link("#/search", "Search", name === "search", "3"),
      id ? el("span", { class: "crumb" }, id) : null,
    ),
    second ? el("p", { class: "second", id: "second" }, "Second reading: blind to the first. You do not see what was decided before.") : "",
    el("div", { class: "right" }, el("span", { class: "reviewer", title: "Who reviews" }, el("span", { class: "unseen" }, "Reviewer "), reviewer), button("Lock", lock, { id: "lock", class: "quiet", key: "K", keyName: "Shift+K" }), button("Keys", help, { id: "keys", class: "quiet", key: "?" })),
  );
}

async function lock() {
  try {
    await post("/api/lock");
    others.postMessage("locked");
    // It meets the lock and asks for the passphrase; what shows is veiled meanwhile.
    await look();
  } catch (error) {
    if (error.status === 0) gone();
    else failed(error);
  }
}

let unanswered = 0;

// The key may have been put away, or the server ended, while nothing else was asked.
async function check() {
  try {
    await look();
    unanswered = 0;
    answered();
  } catch (error) {
    if (error.handled) clearInterval(state.looking);
    else if (error.status === 0 && (unanswered += 1) >= UNANSWERED) gone();
  }
}

function relative(part) {
  const id = find(location.hash).args?.[0];
  if (id) go(`#/${id}${part}`);
}

bindCommon([
  { group: "Go to", keys: ["1"], does: "the study", run: () => go("#/") },
  { group: "Go to", keys: ["2"], does: "people", run: () => go("#/people") },
  { group: "Go to", keys: ["3", "/"], does: "search", run: () => go("#/search") },
  { group: "Go to", keys: ["4"], does: "the transcript", run: () => relative("") },
  { group: "Go to", keys: ["5"], does: "the preview", run: () => relative("/preview") },
  { group: "Go to", keys: ["6"], does: "the agreement of two reviewers", run: () => relative("/agreement") },
  { group: "This page", keys: ["?"], does: "this list of keys", run: help },
  { group: "This page", keys: ["K"], does: "put the key away (lock)", run: lock },
]);

async function start() {
  listen();
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("main").focus();
  });
  try {
    state.session = await session();
  } catch (error) {
    return trouble(byId("main"), error);
  }
  if (state.session.open && /^#?\/?$/.test(location.hash)) history.replaceState(null, "", `#/${state.session.open}`);
  addEventListener("hashchange", route);
  state.looking = setInterval(check, LOOK_MS);
  addEventListener("focus", check);
  others.addEventListener("message", check);
  return route();
}

start();
