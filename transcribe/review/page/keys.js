// Keys: one table for each view, read by the listener and by the help overlay alike.
import { el } from "./dom.js";
import { openDialog } from "./dialog.js";
import { dialogOpen, layers } from "./layers.js";

let common = [];
let current = [];
let single = true;

export function bindCommon(list) {
  common = list;
}

export function bind(list) {
  current = list;
}

// "a", "A", "ctrl+z", "shift+ArrowLeft", "space", "F2": a letter's case is that of the shift key, whatever caps lock says.
export function nameOf(event) {
  let key = event.key === " " ? "space" : event.key;
  const letter = key.length === 1;
  if (letter && event.getModifierState("CapsLock")) key = event.shiftKey ? key.toUpperCase() : key.toLowerCase();
  const mods = [(event.ctrlKey || event.metaKey) && "ctrl", event.altKey && "alt", event.shiftKey && (!letter || event.ctrlKey || event.metaKey) && "shift"];
  if (letter && (event.ctrlKey || event.metaKey)) key = key.toLowerCase();
  return [...mods.filter(Boolean), key].join("+");
}

const typing = (target) => target instanceof Element && target.closest("input:not([type=range]):not([type=checkbox]), textarea, select, [contenteditable]");

// Enter and space belong to a focused control; marks are ours (there enter plays and space plays or stops).
const pressing = (target, name) => (name === "Enter" || name === "space") && target instanceof Element && target.closest("button, a, summary, label, input") !== null;

// A key that is held down goes on moving, and does anything else once: the places after it would be decided unseen.
const MOVES = /^(?:shift\+)?Arrow|^[nNpPjkeE,.[\]]$/;

const sliding = (target, name) => target instanceof Element && target.closest("[role=slider], input[type=range]") && name.startsWith("Arrow");

export function listen() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || dialogOpen()) return;
    const name = nameOf(event);
    // An open popover has the escape key for itself.
    if (layers.popover && name === "Escape") return;
    if (layers.popover && name.length === 1) layers.popover.hidePopover();
    if (event.repeat && pressing(event.target, name)) return event.preventDefault();
    if (typing(event.target) || pressing(event.target, name) || sliding(event.target, name)) return;
    const hit = [...current, ...common].find((binding) => binding.keys.includes(name));
    if (!hit || (!single && name.length === 1 && name !== "?")) return;
    event.preventDefault();
    if (!event.repeat || MOVES.test(name)) hit.run(event);
  });
}

const SHOWN = { space: "Space", ArrowLeft: "\u2190", ArrowRight: "\u2192", ArrowUp: "\u2191", ArrowDown: "\u2193", Escape: "Esc", ctrl: "Ctrl", shift: "Shift" };

export function shown(name) {
  if (name.length === 1 && name !== name.toLowerCase()) return ["Shift", name];
  const parts = name === "+" ? ["+"] : name.split("+");
  return parts.map((part) => SHOWN[part] || (part.length === 1 ? part.toUpperCase() : part)).map((part, i) => (parts.length === 1 && name.length === 1 ? name : part));
}

export function help() {
  const groups = new Map();
  for (const binding of [...current, ...common]) {
    if (!groups.has(binding.group)) groups.set(binding.group, []);
    groups.get(binding.group).push(binding);
  }
  const lists = [...groups].map(([name, rows]) => el("section", {}, el("h3", {}, name), el("dl", { class: "keys" }, ...rows.map(row))));
  const choice = el("input", { type: "checkbox", id: "single-keys", checked: single });
  choice.addEventListener("change", () => {
    single = choice.checked;
  });
  const off = el("p", { class: "choice" }, choice, el("label", { for: "single-keys" }, "Single letters work as keys (switch this off if you speak to your computer)"));
  const box = openDialog({ title: "Keys", id: "help", wide: true, body: [off, el("div", { class: "columns" }, ...lists)] });
  box.addEventListener("keydown", (event) => {
    if (event.key === "?") box.close();
  });
}

function row(binding) {
  const keys = binding.keys.map((name) => el("span", { class: "combo" }, ...shown(name).map((part) => el("kbd", {}, part))));
  return el("div", {}, el("dt", {}, ...keys.flatMap((key, i) => (i ? [" or ", key] : [key]))), el("dd", {}, binding.does));
}
