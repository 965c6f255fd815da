// Who or what words are about: likely ones first, then people of the study, somebody new, and what is bound to its place.
import { get, post } from "./api.js";
import { el, button, capital } from "./dom.js";
import { openDialog } from "./dialog.js";
import { failed, say } from "./say.js";

// The session names roles without their kinds; these are told by the words of the role.
const KINDS_OF_ROLES = [
  ["place", /^(place|city|town|village|street|country|home)/],
  ["service", /^(service|charity)/],
  ["organisation", /^(hospital|school|institution|employer|organisation|ward|clinic)/],
  ["age", /\bage\b|^birthday/],
  ["date", /^date/],
  ["contact", /phone|mail|address|postcode|user name/],
  ["id_number", /number|plate/],
  ["other", /birth weight|gestation|multiple birth|diagnosis|job title|^other/],
];

const KIND_OF_ROLE = (role) => (KINDS_OF_ROLES.find(([, words]) => words.test(role.toLowerCase())) || ["person"])[0];

const KIND_NAMES = { person: "a person, here only", place: "a place, here only", organisation: "an organisation, here only", service: "a service, here only", date: "a date", age: "an age", contact: "a phone number, e-mail or address", id_number: "a number that identifies", other: "something else that identifies" };

export const kindName = (kind) => KIND_NAMES[kind] || kind;

// Answers { who, everywhere, label } or null. `span`: what is asked about; `speaker`: a voice is named, not a mark.
export function chooseWho({ title, session, recording, span = null, speaker = false }) {
  return new Promise((done) => new Chooser({ title, session, recording, span, speaker, done }));
}

class Chooser {
  constructor({ title, session, recording, span, speaker, done }) {
    this.groups = { likely: [], people: [], new: this.newcomers(session, speaker), here: speaker ? [] : this.kinds(session) };
    this.answer = null;
    this.field = el("input", { id: "who-filter", type: "text", role: "combobox", autocomplete: "off", "aria-expanded": "true", "aria-controls": "who-list", "aria-autocomplete": "list", "aria-label": "Filter people and roles", placeholder: "Type a name or a role" });
    this.list = el("div", { id: "who-list", role: "listbox", "aria-label": "People and roles" });
    this.everywhere = speaker ? null : el("input", { type: "checkbox", id: "who-everywhere" });
    const all = this.everywhere && el("label", { class: "check", for: "who-everywhere" }, this.everywhere, "The same everywhere in the study (Shift Enter)");
    this.box = openDialog({
      title,
      id: "who",
      body: [this.field, this.list],
      foot: [all, button("Choose", () => this.take(false), { class: "primary", id: "who-go", key: "Enter" })],
      focus: this.field,
      onClose: () => done(this.answer),
    });
    this.field.addEventListener("input", () => {
      this.moved = false;
      this.draw();
    });
    this.field.addEventListener("keydown", (event) => this.key(event));
    this.list.addEventListener("click", (event) => this.click(event));
    this.list.addEventListener("dblclick", () => this.take(false));
    this.draw();
    this.fetch(recording, span, speaker);
  }

  newcomers(session, speaker) {
    return session.roles.map((role) => {
      if (speaker) return { label: capital(role), why: "a role, nobody by name", who: { role } };
      const kind = KIND_OF_ROLE(role);
      return { label: `New: ${role}`, why: "searched for in the whole study", who: { kind, role, relation: kind === "person" ? role : "" } };
    });
  }

  kinds(session) {
    return session.kinds.map((kind) => ({ label: capital(kindName(kind)), why: "", who: { kind } }));
  }

  async fetch(recording, span, speaker) {
    const people = get("/api/people").then((answer) => {
      this.groups.people = answer.people.filter((person) => !person.same_as && (!speaker || person.kind === "person")).map((person) => ({
        label: `${person.forms[0]}, ${person.role}`,
        more: [...person.forms, ...person.heard].join(" "),
        written: person.written,
        who: { person: person.id },
      }));
      this.draw();
    });
    const likely = span ? post(`/api/recordings/${encodeURIComponent(recording)}/suggest`, span).then((answer) => {
      this.groups.likely = answer.who;
      this.whole = answer.who.length > 0; // what comes after these stands below them
      this.draw();
    }) : null;
    await Promise.all([people, likely]).catch(failed);
    this.whole = true;
  }

  draw() {
    const wanted = this.field.value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (option) => wanted.every((word) => `${option.label} ${option.more || ""} ${option.written || ""}`.toLowerCase().includes(word));
    const titles = { likely: "Likely", people: "People and places of the study", new: "Somebody or something new", here: "Bound to this place" };
    if (!this.groups.here.length) titles.new = "Roles";
    const taken = new Set();
    const pointed = this.moved ? JSON.stringify(this.options[this.at]?.who) : ""; // what comes late moves it, and she has chosen
    this.options = [];
    const parts = Object.entries(this.groups).map(([name, options]) => {
      const left = options.filter(fits).filter((option) => !taken.has(JSON.stringify(option.who)));
      left.forEach((option) => taken.add(JSON.stringify(option.who)));
      if (!left.length) return null;
      const rows = left.map((option) => this.row(option));
      return el("div", { role: "group", "aria-labelledby": `who-${name}` }, el("div", { class: "heading", id: `who-${name}` }, titles[name]), ...rows);
    });
    const shown = parts.filter(Boolean);
    this.list.replaceChildren(...(shown.length ? shown : [el("p", { class: "faint" }, "Nobody and no role fits.")]));
    this.point(this.options.findIndex((option) => JSON.stringify(option.who) === pointed));
  }

  row(option) {
    const node = el("div", { role: "option", id: `who-${this.options.length}`, class: "option", data: { at: String(this.options.length) }, "aria-selected": "false" }, el("span", {}, option.label), option.written ? el("span", { class: "as" }, `\u2192 ${option.written}`) : null, option.why ? el("span", { class: "why" }, option.why) : null);
    this.options.push({ ...option, node });
    return node;
  }

  point(at) {
    this.options[this.at]?.node.setAttribute("aria-selected", "false");
    this.at = Math.min(this.options.length - 1, Math.max(0, at));
    const node = this.options[this.at]?.node;
    if (node) {
      node.setAttribute("aria-selected", "true");
      node.scrollIntoView({ block: "nearest" });
      this.field.setAttribute("aria-activedescendant", node.id);
    } else this.field.removeAttribute("aria-activedescendant");
  }

  go(at) {
    this.moved = true;
    this.point(at);
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step) this.go(this.at + step);
    else if (event.key === "Enter") this.take(event.shiftKey);
    else return;
    event.preventDefault();
  }

  click(event) {
    const node = event.target.closest("[data-at]");
    if (!node) return;
    this.go(Number(node.dataset.at));
    this.field.focus();
  }

  take(everywhere) {
    // What stands first will not be first once the likely ones are there; what she has typed or gone to is what she means.
    if (!this.whole && !this.moved && !this.field.value.trim()) return say("Still looking whom the words may mean.");
    const option = this.options[this.at];
    if (!option) return;
    this.answer = { who: option.who, everywhere: everywhere || Boolean(this.everywhere?.checked), label: option.label.replace(/^New: /, "a new ") };
    this.box.close();
  }
}
