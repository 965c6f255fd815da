// Elements by hand. Text goes in as text nodes only, so nothing that was said can become markup.

export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) set(node, name, value);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

function set(node, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "style") throw new Error("style attributes are not allowed here");
  if (name === "data") Object.assign(node.dataset, value);
  else if (name === "on") for (const [event, heard] of Object.entries(value)) node.addEventListener(event, heard);
  else if (name === "value" || name === "checked" || name === "disabled" || name === "indeterminate") node[name] = value;
  else node.setAttribute(name, value === true ? "" : value);
}

export const byId = (id) => document.getElementById(id);

// A button that shows its key. The key is said to screen readers by aria-keyshortcuts, so it is not part of the name.
export function button(label, does, { key = "", keyName = key, ...props } = {}) {
  const shown = key ? el("kbd", { "aria-hidden": "true" }, key) : null;
  return el("button", { type: "button", "aria-keyshortcuts": keyName || null, on: { click: does }, ...props }, el("span", {}, label), shown);
}

export function clock(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return "";
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n) => String(n).padStart(2, "0");
  return h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

export function count(n, one, many = `${one}s`) {
  return `${n.toLocaleString("en-GB")} ${n === 1 ? one : many}`;
}

// Once the coming frame is on the screen; a hidden page has no frames.
export const painted = () =>
  new Promise((resolve) => {
    setTimeout(resolve, 100);
    requestAnimationFrame(() => setTimeout(resolve));
  });

export const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
