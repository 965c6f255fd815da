// The strip: the whole interview in one line, two tones for who speaks, ticks for what is open, and where one is.
import { el, clock } from "./dom.js";
import { soundOf } from "./times.js";
import { wordsAt } from "./text.js";

export class Strip {
  constructor(record, { seek }) {
    this.record = record;
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.head = el("div", { class: "playhead" });
    this.window = el("div", { class: "window" });
    this.now = 0;
    this.box = el("div", { id: "strip", class: "strip", role: "slider", tabindex: "0", "aria-label": "Where you are in the recording", "aria-valuemin": "0", "aria-valuemax": String(Math.round(record.duration_s)), "aria-valuenow": "0", "aria-valuetext": "0:00" }, this.canvas, this.window, this.head);
    this.box.addEventListener("pointerdown", (event) => this.drag(event, seek));
    this.box.addEventListener("keydown", (event) => this.key(event, seek));
    this.resized = new ResizeObserver(() => this.soon());
    this.resized.observe(this.box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.soon());
    record.onChange(() => this.soon());
  }

  drag(event, seek) {
    const to = (e) => {
      const rect = this.box.getBoundingClientRect();
      seek((Math.min(rect.width, Math.max(0, e.clientX - rect.left)) / rect.width) * this.record.duration_s);
    };
    to(event);
    this.box.setPointerCapture(event.pointerId);
    this.box.onpointermove = to;
    this.box.onpointerup = () => {
      this.box.onpointermove = null;
    };
  }

  key(event, seek) {
    const step = { ArrowLeft: -5, ArrowRight: 5, ArrowDown: -5, ArrowUp: 5, PageUp: -60, PageDown: 60 }[event.key];
    const to = event.key === "Home" ? 0 : event.key === "End" ? this.record.duration_s : step && this.now + step;
    if (to === undefined || event.ctrlKey || event.altKey) return;
    event.preventDefault();
    seek(Math.max(0, to));
  }

  soon() {
    if (this.asked) return;
    this.asked = setTimeout(() => {
      this.asked = 0;
      this.draw();
    }, 60);
  }

  draw() {
    const ratio = devicePixelRatio || 1;
    const { clientWidth: width, clientHeight: height } = this.box;
    if (!width) return;
    this.width = width;
    this.canvas.width = width * ratio;
    this.canvas.height = height * ratio;
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const style = getComputedStyle(this.box);
    const colour = (name) => style.getPropertyValue(name).trim();
    const scale = width / this.record.duration_s;
    const half = Math.floor((height - 7) / 2);
    const tones = [colour("--tone-0"), colour("--tone-1"), colour("--tone-2")];
    for (const id of this.record.order) {
      const turn = this.record.turns.get(id);
      if (turn.start_s === null) continue;
      const tone = (this.record.labels.get(turn.speaker)?.tone ?? 0) % 3;
      pen.fillStyle = tones[tone];
      pen.fillRect(turn.start_s * scale, tone % 2 ? half + 1 : 0, Math.max(1, (turn.end_s - turn.start_s) * scale - 0.3), half);
    }
    pen.fillStyle = colour("--open");
    for (const { turn, start, end } of this.record.opened) {
      const at = this.timeOf(turn, start, end);
      if (at !== null) pen.fillRect(Math.round(at * scale) - 0.5, height - 6, 1.6, 6);
    }
    this.move(this.now, true);
  }

  timeOf(id, start, end) {
    const turn = this.record.turns.get(id);
    if (!turn) return null;
    return soundOf(turn, ...wordsAt(turn, start, end))?.[0] ?? turn.start_s;
  }

  move(seconds, always = false) {
    const second = Math.floor(seconds);
    this.head.style.transform = `translateX(${((this.width || 0) * seconds) / this.record.duration_s}px)`;
    if (second !== Math.floor(this.now) || always) {
      this.box.setAttribute("aria-valuenow", String(second));
      this.box.setAttribute("aria-valuetext", clock(seconds));
    }
    this.now = seconds;
  }

  // Which part of the interview is on the screen: from its first turn to its last.
  show(ends) {
    const [first, last] = (ends || []).map((id) => this.record.turns.get(id));
    if (!first || !last || first.start_s === null || !this.width) return;
    const scale = this.width / this.record.duration_s;
    this.window.style.transform = `translateX(${first.start_s * scale}px) scaleX(${Math.max(6, (last.end_s - first.start_s) * scale) / 100})`;
  }

  leave() {
    this.resized.disconnect();
    clearTimeout(this.asked);
  }
}
