// Dialogs: the browser's own, which keep the focus inside and give it back.
import { el, button } from "./dom.js";
import { layers, unveil, unveiled, veil as veilWith } from "./layers.js";

let number = 0;

export function openDialog({ title, body, foot = [], focus = null, id = null, closes = true, veil = false, wide = false, onClose = null }) {
  const heading = `dialog-${(number += 1)}`;
  const before = document.activeElement;
  const box = el("dialog", { id, class: [wide ? "wide" : "", veil ? "veil" : ""].join(" ").trim() || null, "aria-labelledby": heading });
  const close = closes ? el("button", { type: "button", class: "plain close", "aria-label": "Close" }, "\u00d7") : null;
  close?.addEventListener("click", () => box.close());
  box.append(
    el("div", { class: "head" }, el("h2", { id: heading }, title), close),
    el("div", { class: "body" }, ...body),
    foot.length ? el("div", { class: "foot" }, ...foot) : "",
  );
  box.addEventListener("cancel", (event) => {
    if (!closes) event.preventDefault();
  });
  box.addEventListener("close", () => {
    box.remove();
    layers.dialogs.delete(box);
    unveil(box);
    if (before?.isConnected) before.focus({ preventScroll: true });
    onClose?.();
  });
  if (closes) {
    box.addEventListener("mousedown", (event) => {
      if (event.target === box) box.close();
    });
  }
  // A key that closes a dialog must not go on to the page below and act there. A refused `cancel` is heeded only once.
  box.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (!closes && event.key === "Escape") event.preventDefault();
  });
  document.body.append(box);
  box.showModal();
  layers.dialogs.add(box);
  if (veil) veilWith(box);
  (focus || box.querySelector("input, select, .primary") || box).focus();
  return box;
}

export async function confirm(title, sentences, yes, { danger = false } = {}) {
  await unveiled();
  return new Promise((done) => {
    let answer = false;
    const agree = () => {
      answer = true;
      box.close();
    };
    const go = button(yes, agree, { class: danger ? "danger" : "primary" });
    const box = openDialog({
      title,
      body: sentences.map((sentence) => el("p", {}, sentence)),
      foot: [button("Cancel", () => box.close()), go],
      focus: go,
      onClose: () => done(answer),
    });
  });
}

// One line asked for: a list of named fields, answered as an object, or null when she thought better of it.
export function form(title, fields, yes, { intro = [] } = {}) {
  return new Promise((done) => {
    let answer = null;
    const inputs = fields.map((field) => make(field));
    const body = inputs.map(({ label, input, hint }) => el("div", { class: "field" }, label, input, hint));
    const submit = () => {
      const bad = inputs.find(({ input }) => !input.reportValidity());
      if (bad) return;
      answer = Object.fromEntries(inputs.map(({ name, input }) => [name, input.value.trim()]));
      box.close();
    };
    const box = openDialog({
      title,
      body: [...intro.map((sentence) => el("p", {}, sentence)), ...body],
      foot: [button("Cancel", () => box.close()), button(yes, submit, { class: "primary" })],
      focus: inputs[0].input,
      onClose: () => done(answer),
    });
    box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target.matches("input")) {
        event.preventDefault();
        submit();
      }
    });
  });
}

function make({ name, label, value = "", options = null, hint = "", required = false, list = null }) {
  const id = `field-${name}`;
  const input = options
    ? el("select", { id, name }, ...options.map(([key, text]) => el("option", { value: key, selected: key === value }, text)))
    : el("input", { id, name, value, required, autocomplete: "off", list: list ? `${id}-list` : null, "aria-describedby": hint ? `${id}-hint` : null });
  const choices = list ? el("datalist", { id: `${id}-list` }, ...list.map((word) => el("option", { value: word }))) : null;
  return {
    name,
    input,
    label: el("label", { for: id }, label),
    hint: el("span", { class: "hint", id: `${id}-hint` }, hint, choices),
  };
}
