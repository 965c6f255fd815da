// The document: a frame for every turn, words only near the window, and changes only where something changed.
import { el, still } from "./dom.js";
import { dress, fill, frame, heightOf, keyOf, marginKey } from "./turn.js";

// A short interview is painted whole; a long one as it nears the window.
const WHOLE = 4000;

// Turns go in bundles: what watches the window then watches a hundred of these, not two thousand turns.
const BUNDLE = 16;

export class Transcript {
  constructor(root, record) {
    this.root = root;
    this.record = record;
    this.views = new Map();
    this.near = new IntersectionObserver((entries) => this.meet(entries), { rootMargin: "1600px 0px" });
    this.onSight = () => {};
    this.brought = -Infinity;
    this.coming = [];
    this.scrolled = () => {
      // A look at where one is forces layout, so there are eight a second at most and none while a frame is due.
      this.asked ||= setTimeout(() => {
        this.asked = 0;
        this.onSight(this.visible());
      }, 120);
    };
    addEventListener("scroll", this.scrolled, { passive: true });
    addEventListener("resize", this.scrolled, { passive: true });
    this.build();
    record.onChange((turns, what) => this.refresh(turns, what));
  }

  build() {
    this.near.disconnect();
    this.coming = [];
    this.unmade = [];
    this.views.clear();
    const { order, turns } = this.record;
    const bundles = [];
    for (let i = 0; i < order.length; i += BUNDLE) {
      const ids = order.slice(i, i + BUNDLE);
      const bundle = el("div", { class: "bundle" });
      // A guess of the height keeps the scroll bar honest for what was never laid out.
      bundle.style.containIntrinsicBlockSize = `auto ${ids.reduce((sum, id) => sum + heightOf(turns.get(id)), 0)}px`;
      bundles.push(bundle);
      this.unmade.push(() => {
        bundle.append(...ids.map((id) => this.make(turns.get(id)).box));
        this.near.observe(bundle);
      });
    }
    this.root.replaceChildren(...bundles);
    const words = order.reduce((sum, id) => sum + turns.get(id).words.length, 0);
    if (words <= WHOLE) this.finish();
    else this.unmade.splice(0, 2).forEach((make) => make());
    for (const id of words <= WHOLE ? order : order.slice(0, BUNDLE)) this.words(id);
    this.goOn();
    this.scrolled();
  }

  // The first turns are seen while the others are still being made; whoever needs one of those has them all made.
  goOn() {
    if (!this.unmade.length) return;
    requestIdleCallback(
      (left) => {
        do this.unmade.shift()?.();
        while (this.unmade.length && left.timeRemaining() > 3);
        this.goOn();
      },
      { timeout: 100 },
    );
  }

  finish() {
    for (const make of this.unmade.splice(0)) make();
  }

  make(turn) {
    const view = frame(this.record, turn);
    this.views.set(turn.id, view);
    return view;
  }

  meet(entries) {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      this.near.unobserve(target);
      this.coming.push(...[...target.children].map((box) => box.dataset.turn));
    }
    this.prepare();
  }

  // What nears the window shows its plain text already; its words come when nothing else is to do, and soon.
  prepare() {
    if (this.idle || !this.coming.length) return;
    this.idle = requestIdleCallback(
      (left) => {
        this.idle = 0;
        do this.words(this.coming.shift());
        while (this.coming.length && (left.didTimeout || left.timeRemaining() > 3));
        this.prepare();
      },
      { timeout: 250 },
    );
  }

  // The turns between the bars, found at their edges.
  visible() {
    const [top, bottom] = this.free();
    const x = this.root.getBoundingClientRect().left + 30;
    const at = (from, step) => {
      for (let y = from; y > top && y < bottom; y += step) {
        const box = document.elementFromPoint(x, y)?.closest("[data-turn]");
        if (box) return box.dataset.turn;
      }
      return null;
    };
    const first = at(top + 6, 16);
    const last = at(bottom - 6, -16);
    return first && last ? [first, last] : null;
  }

  isVisible(turn) {
    const [first, last] = this.visible() || [];
    const { rank } = this.record;
    return first !== undefined && rank.get(turn) >= rank.get(first) && rank.get(turn) <= rank.get(last);
  }

  words(id) {
    if (!this.views.has(id)) this.finish();
    const view = this.views.get(id);
    if (view && !view.words) {
      fill(view, this.record, this.record.turns.get(id));
      this.onPainted?.(id);
    }
    return view;
  }

  refresh(ids, { order = false, margins = false, all = false }) {
    if (all) return this.build();
    this.finish();
    if (order) this.arrange();
    else if (margins) for (const [id, view] of this.views) this.renameMargin(view, this.record.turns.get(id));
    for (const id of ids) this.repaint(id);
  }

  // New, gone or renamed turns. The frames that stayed are kept where they are, so nothing jumps.
  arrange() {
    const { order, turns } = this.record;
    const kept = new Set(order);
    for (const [id, view] of this.views) {
      if (!kept.has(id)) {
        view.box.remove();
        this.views.delete(id);
      }
    }
    let before = null;
    for (const id of order) {
      const turn = turns.get(id);
      let view = this.views.get(id);
      if (!view) {
        view = this.make(turn);
        if (before) before.after(view.box);
        else this.root.firstChild.prepend(view.box);
        this.words(id);
      } else this.renameMargin(view, turn);
      before = view.box;
    }
  }

  renameMargin(view, turn) {
    const shown = marginKey(this.record, turn);
    if (view.shown === shown) return;
    const fresh = frame(this.record, turn);
    view.box.dataset.tone = fresh.box.dataset.tone;
    view.box.setAttribute("aria-label", fresh.box.getAttribute("aria-label"));
    view.box.firstChild.replaceWith(fresh.box.firstChild);
    view.shown = shown;
  }

  repaint(id) {
    const view = this.views.get(id);
    const turn = this.record.turns.get(id);
    if (!view || !turn) return;
    this.renameMargin(view, turn);
    if (!view.words) {
      view.said.textContent = turn.words.map((word) => word[0]).join("");
      return;
    }
    const [marks, flags] = [this.record.marks(id), this.record.flags(id)];
    const key = keyOf(turn, marks, flags);
    if (key.every((part, i) => part === view.key[i])) return dress(view, turn, marks, flags);
    fill(view, this.record, turn);
    this.onPainted?.(id);
  }

  box(id) {
    const turn = this.record.turnOf(id);
    const view = turn && this.words(turn);
    return view ? view.marks.get(id) || view.flags.get(id) || null : null;
  }

  spans(turn, first, last = first) {
    const view = this.words(turn);
    return view ? view.words.slice(first, last + 1).flat() : [];
  }

  firstVisible() {
    return this.visible()?.[0] || this.record.order[0];
  }

  // Brings a node where the eye rests, a third from the top; near ones glide there, far ones are simply there.
  bring(node, always = false) {
    if (!node) return;
    const [top, bottom] = this.free();
    const rect = node.getBoundingClientRect();
    const room = Math.min(120, (bottom - top) / 5);
    if (!always && rect.top >= top + room / 2 && rect.bottom <= bottom - room) return;
    const by = rect.top - (top + (bottom - top) * 0.33);
    // Whoever decides in quick succession is not made to wait for the page to arrive.
    const now = performance.now();
    const glides = Math.abs(by) < innerHeight && !still() && now - this.brought > 700;
    this.brought = now;
    scrollBy({ top: by, behavior: glides ? "smooth" : "instant" });
    // Turns that were never laid out have guessed heights: look again once they are.
    if (!glides) this.land(node, 3);
  }

  land(node, more) {
    requestAnimationFrame(() => {
      if (!node.isConnected) return;
      const [top, bottom] = this.free();
      const rect = node.getBoundingClientRect();
      if (rect.top < top || rect.bottom > bottom) scrollBy({ top: rect.top - (top + (bottom - top) * 0.33), behavior: "instant" });
      if (more) this.land(node, more - 1);
    });
  }

  // The part of the window that neither the bars above nor the dock below cover.
  free() {
    const above = document.getElementById("bar")?.getBoundingClientRect().bottom ?? 0;
    const below = document.getElementById("dock")?.getBoundingClientRect().top ?? innerHeight;
    return [Math.max(0, above), Math.max(below, above + 60)];
  }

  leave() {
    this.near.disconnect();
    cancelIdleCallback(this.idle);
    this.unmade = [];
    clearTimeout(this.asked);
    removeEventListener("scroll", this.scrolled);
    removeEventListener("resize", this.scrolled);
  }
}

export function legend() {
  const row = (state, label, text) => el("li", {}, el("span", { class: "mark", data: { state, hue: "family" } }, el("span", { class: "hit" }, label)), ` ${text}`);
  return el(
    "ul",
    { class: "legend", "aria-label": "What the lines mean" },
    row("withheld", "name", "withheld"),
    row("question", "name", "a question"),
    row("who", "name", "who of several?"),
    row("kept", "name", "kept"),
    el("li", {}, el("span", { class: "unclear" }, "words"), " unclear"),
    el("li", {}, el("span", { class: "unsure" }, "word"), " heard unsurely"),
    el("li", {}, el("span", { class: "uncommon" }, "Word"), " capital, not marked"),
  );
}
