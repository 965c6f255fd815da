// Everybody of the study: what they are called, how they were heard, what is written for them.
import { get, post } from "./api.js";
import { el, button, capital } from "./dom.js";
import { confirm, form } from "./dialog.js";
import { failed, note, say } from "./say.js";
import { kindName } from "./choose.js";

export async function show(root, { session, alive }) {
  const answer = await get("/api/people");
  if (!alive()) return {};
  return new People(root, session, answer);
}

const words = (text) => text.split(";").map((word) => word.trim()).filter(Boolean);

class People {
  constructor(root, session, answer) {
    Object.assign(this, { session, title: "People", wanted: "" });
    this.filter = el("input", { type: "search", id: "people-filter", "aria-label": "Filter people", placeholder: "Filter", autocomplete: "off" });
    this.filter.addEventListener("input", () => this.draw());
    this.undoButton = button("Undo", () => this.swing("undo"), { id: "undo", class: "quiet", key: "U", keyName: "u Control+Z" });
    this.redoButton = button("Redo", () => this.swing("redo"), { id: "redo", class: "quiet", key: "R", keyName: "r Control+Shift+Z" });
    this.body = el("tbody", {});
    this.policy = el("section", { class: "policy", "aria-labelledby": "policy-title" });
    const head = ["Name", "Kind and role", "Other forms; heard as", "Written", "Mentions", "Do"].map((name) => el("th", { scope: "col", class: name === "Mentions" ? "number" : null }, name));
    root.replaceChildren(
      el(
        "div",
        { class: "page" },
        el("div", { class: "title" }, el("h1", {}, "People and places"), this.undoButton, this.redoButton, button("New ...", () => this.add(), { id: "new-person", class: "primary", key: "N", keyName: "n" })),
        el("div", { class: "tools" }, this.filter),
        el("div", { class: "sheet" }, el("table", { id: "people" }, el("caption", { class: "unseen" }, "People and places"), el("thead", {}, el("tr", {}, ...head)), this.body)),
        this.policy,
      ),
    );
    this.keys = this.bindings();
    this.load(answer);
  }

  bindings() {
    const entry = (keys, does, run) => ({ group: "People", keys, does, run });
    const at = (run) => () => {
      const person = this.current();
      if (person) run(person);
      else say("Choose somebody first: J and K go through the list.");
    };
    return [
      entry(["j", "ArrowDown"], "next in the list", () => this.move(1)),
      entry(["k", "ArrowUp"], "before in the list", () => this.move(-1)),
      entry(["f"], "filter", () => this.filter.focus()),
      entry(["n"], "somebody new", () => this.add()),
      entry(["t", "F2"], "edit", at((person) => this.edit(person))),
      entry(["c"], "choose the pseudonym", at((person) => this.choose(person))),
      entry(["d"], "draw another pseudonym", at((person) => this.redraw(person))),
      entry(["m"], "merge with somebody", at((person) => (person.same_as ? this.part(person) : this.merge(person)))),
      entry(["u", "ctrl+z"], "undo", () => this.swing("undo")),
      entry(["r", "ctrl+shift+z"], "redo", () => this.swing("redo")),
    ];
  }

  load(answer) {
    this.answer = answer;
    this.byId = new Map(answer.people.map((person) => [person.id, person]));
    this.draw();
    this.drawPolicy();
    for (const [node, verb, name] of [
      [this.undoButton, "Undo", answer.undo],
      [this.redoButton, "Redo", answer.redo],
    ]) {
      node.setAttribute("aria-disabled", String(!name));
      node.title = name ? `${verb} ${name}` : `Nothing to ${verb.toLowerCase()}`;
    }
  }

  // --- the table

  draw() {
    const wanted = this.filter.value.trim().toLowerCase();
    const focused = document.activeElement?.closest("tr[data-person]")?.dataset.person;
    const fits = (person) => [person.id, person.role, person.written, ...person.forms, ...person.heard].join(" ").toLowerCase().includes(wanted);
    this.body.replaceChildren(...this.answer.people.filter(fits).map((person) => this.row(person)));
    if (focused) this.body.querySelector(`tr[data-person="${CSS.escape(focused)}"]`)?.focus();
  }

  row(person) {
    const [name, ...others] = person.forms;
    const same = person.same_as ? this.byId.get(person.same_as) : null;
    const chips = [...others.map((form) => el("span", { class: "chip" }, form)), ...person.heard.map((form) => el("span", { class: "chip heard" }, el("span", { class: "unseen" }, "heard as "), form))];
    const relation = [person.relation && person.relation !== person.role ? person.relation : "", person.of && person.of !== person.id ? `of ${this.byId.get(person.of)?.forms[0] || person.of}` : ""].filter(Boolean).join(" ");
    const act = (label, run) => el("button", { type: "button", class: "quiet", on: { click: () => run(person) }, "aria-label": `${label}: ${name}` }, label);
    return el(
      "tr",
      { tabindex: "-1", data: { person: person.id } },
      el("th", { scope: "row" }, name, el("span", { class: "small faint" }, ` ${person.id}${person.found ? ", found" : ""}`), same ? el("span", { class: "lost" }, `the same as ${same.forms[0]}`) : null),
      el("td", {}, person.role || kindName(person.kind), relation ? el("span", { class: "small faint" }, ` ${relation}`) : null),
      el("td", {}, chips.length ? chips : el("span", { class: "faint" }, "-")),
      el("td", {}, el("span", { class: "as" }, person.written ? `\u2192 ${person.written}` : "stays"), el("span", { class: "small faint" }, ` ${person.action}${person.chosen ? ", chosen" : ""}`)),
      el("td", { class: "number", title: person.recordings.join(", ") }, String(person.mentions)),
      el("td", { class: "acts-cell" }, act("Edit", (p) => this.edit(p)), act("Pseudonym", (p) => this.choose(p)), act("Re-draw", (p) => this.redraw(p)), same ? act("Part", (p) => this.part(p)) : act("Merge", (p) => this.merge(p))),
    );
  }

  current() {
    return this.byId.get(document.activeElement?.closest("tr[data-person]")?.dataset.person);
  }

  move(step) {
    const rows = [...this.body.rows];
    const at = rows.indexOf(document.activeElement?.closest("tr"));
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + step))];
    next?.focus();
    if (next) say(next.textContent);
  }

  // --- acts

  // A second click on what is under way is none. Answers what keeps it from being done, where another try may do it.
  async act(body, sentence) {
    if (this.acting) return "Something else is being saved.";
    this.acting = true;
    try {
      this.load(await post("/api/people/act", body));
      note(typeof sentence === "string" ? sentence : sentence());
      return "";
    } catch (error) {
      await this.refused(error);
      return error.sentence;
    } finally {
      this.acting = false;
    }
  }

  async refused(error) {
    failed(error);
    if (error.changed) this.load(await get("/api/people").catch(() => this.answer));
  }

  // One after the other: each is about what the page shows as the last one by then.
  swing(way) {
    this.swinging = (this.swinging || Promise.resolve()).then(() => this.swung(way));
    return this.swinging;
  }

  async swung(way) {
    const name = this.answer[way];
    if (!name) return say(way === "undo" ? "There is nothing to take back." : "There is nothing to do again.");
    try {
      this.load(await post(`/api/people/${way}`, { last: this.answer[`${way}_id`] }));
      note(`${way === "undo" ? "Undone" : "Done again"}: ${name}.`);
    } catch (error) {
      await this.refused(error);
    }
    return null;
  }

  // A form is there again with what was typed into it, as long as the study will not have it so.
  async ask(title, fields, yes, intro, send) {
    for (let [typed, wrong] = [{}, ""]; ; ) {
      const filled = fields.map((field) => ({ ...field, value: typed[field.name] ?? field.value }));
      typed = await form(title, filled, yes, { intro: [...intro, wrong].filter(Boolean) });
      wrong = typed && (await send(typed));
      if (!wrong) return;
    }
  }

  // Sends about a person as she stood when the form was opened; after a refusal as she is shown by then.
  about(person, send) {
    let { version } = person;
    return async (answer) => {
      const wrong = await send({ person: person.id, version }, answer);
      version = this.byId.get(person.id)?.version ?? version;
      return wrong;
    };
  }

  fields(person = {}) {
    const others = this.answer.people.filter((other) => other.id !== person.id && other.kind === "person").map((other) => [other.id, other.forms[0]]);
    return [
      { name: "forms", label: "Names, the full one first", value: (person.forms || []).join("; "), hint: "Separated by semicolons.", required: true },
      ...(person.id ? [{ name: "heard", label: "Heard as", value: person.heard.join("; "), hint: "How the recogniser writes the name." }] : []),
      ...(person.id ? [] : [{ name: "kind", label: "Kind", value: "person", options: this.session.kinds.filter((kind) => ["person", "place", "organisation", "service"].includes(kind)).map((kind) => [kind, capital(kind)]) }]),
      { name: "role", label: "Role", value: person.role || "", list: this.session.roles, required: true },
      { name: "relation", label: "Relation", value: person.relation || "" },
      { name: "of", label: "To whom", value: person.of || "", options: [["", "nobody in particular"], ...others] },
    ];
  }

  async edit(person) {
    await this.ask(`Edit ${person.forms[0]}`, this.fields(person), "Save", [], this.about(person, (about, answer) => this.act({ do: "edit", ...about, ...answer, forms: words(answer.forms), heard: words(answer.heard) }, `${person.forms[0]} is changed.`)));
  }

  async add() {
    await this.ask("Somebody or something new", this.fields(), "Add", ["The name is searched for in the whole study."], (answer) => this.act({ do: "new", ...answer, forms: words(answer.forms) }, `${words(answer.forms)[0]} is added.`));
  }

  async choose(person) {
    const { id, forms } = person;
    const now = () => `${forms[0]} is written ${this.byId.get(id)?.written || "as it stands"} now.`;
    await this.ask(`What is written for ${forms[0]}?`, [{ name: "pseudonym", label: "Pseudonym", value: person.pseudonym, required: true, hint: "It is written as it stands, everywhere." }], "Choose", [], this.about(person, (about, answer) => this.act({ do: "pseudonym", ...about, ...answer }, now)));
  }

  async redraw(person) {
    const sure = await confirm(`Draw another pseudonym for ${person.forms[0]}?`, ["Releases that were written before keep the old one."], "Draw another");
    if (sure) await this.act({ do: "redraw", person: person.id, version: person.version }, `${person.forms[0]} has another pseudonym.`);
  }

  async merge(person) {
    const others = this.answer.people.filter((other) => other.id !== person.id && !other.same_as).map((other) => [other.id, `${other.forms[0]}, ${other.role}`]);
    const answer = await form(`${person.forms[0]} is the same as ...`, [{ name: "into", label: "Whom", options: others }], "Merge");
    if (answer) await this.act({ do: "merge", person: person.id, version: person.version, into: answer.into }, `${person.forms[0]} is merged with ${this.byId.get(answer.into).forms[0]}.`);
  }

  part(person) {
    return this.act({ do: "part", person: person.id, version: person.version }, `${person.forms[0]} stands alone again.`);
  }

  // --- policy

  drawPolicy() {
    const { convention, roles } = this.answer.policy;
    const rows = roles.map(([role, action, source]) => {
      const id = `policy-${role.replace(/\W+/g, "-")}`;
      const choice = el("select", { id, "aria-label": `What is done with ${role}` }, ...this.answer.actions.map((name) => el("option", { value: name, selected: name === action }, name)));
      choice.addEventListener("change", () => this.act({ do: "policy", role, action: choice.value }, `${capital(role)}: ${choice.value}.`));
      return el("tr", {}, el("th", { scope: "row" }, role), el("td", {}, choice), el("td", { class: "faint small" }, source));
    });
    this.policy.replaceChildren(
      el("h2", { id: "policy-title" }, "Policy"),
      el("p", { class: "faint" }, convention === "pseudonyms" ? "Names are replaced by pseudonyms where the role asks for it, else by tags such as [sister]." : "Everything is replaced by tags in brackets."),
      el("div", { class: "sheet" }, el("table", { id: "policy" }, el("caption", { class: "unseen" }, "Policy by role"), el("thead", {}, el("tr", {}, ...["Role", "What is done", "Said in"].map((name) => el("th", { scope: "col" }, name)))), el("tbody", {}, ...rows))),
    );
  }
}
