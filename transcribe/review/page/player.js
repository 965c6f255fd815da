// The sound: play, pause, speed, and the word that is being said.
import { el, button, clock } from "./dom.js";
import { veiled } from "./layers.js";
import { failed, say } from "./say.js";

const SPEEDS = [0.5, 0.75, 0.9, 1, 1.25, 1.5, 1.75, 2];
const LEAD = 1.5;

// Listening is work, too: while it plays, the key is not put away as idle.
const AWAKE_MS = 20_000;

export class Player {
  constructor(id, ticket, duration, ask) {
    this.ask = ask;
    this.failedAt = -Infinity;
    this.duration = duration;
    this.until = Infinity;
    this.onTime = () => {};
    this.address = `/api/recordings/${encodeURIComponent(id)}/sound?ticket=${ticket}`;
    this.audio = el("audio", { src: this.address, preload: "none", id: "audio" });
    // The words come first: a long sound is deciphered as a whole before its first second is there.
    this.quiet = requestIdleCallback(() => {
      this.audio.preload = "metadata";
    });
    this.audio.preservesPitch = true;
    this.clock = el("span", { class: "clock", id: "clock" }, `0:00 / ${clock(duration)}`);
    this.playButton = button("Play", () => this.toggle(), { id: "play", class: "primary", key: "Space" });
    this.speed = el("select", { id: "speed", "aria-label": "Speed", "aria-keyshortcuts": "[ ]" }, ...SPEEDS.map((speed) => el("option", { value: String(speed), selected: speed === 1 }, `${speed} \u00d7`)));
    this.speed.addEventListener("change", () => this.setSpeed(Number(this.speed.value)));
    this.follow = el("input", { type: "checkbox", id: "follow", checked: true });
    this.bar = el(
      "div",
      { class: "player", role: "group", "aria-label": "Player" },
      button("Back 3 s", () => this.jump(-3), { id: "back", key: "," }),
      this.playButton,
      button("On 3 s", () => this.jump(3), { id: "on", key: "." }),
      this.clock,
      this.speed,
      el("label", { class: "check", for: "follow" }, this.follow, "Follow"),
      this.audio,
    );
    this.hear();
  }

  hear() {
    this.veiled = () => (veiled() ? this.drop() : this.back());
    document.addEventListener("veil", this.veiled);
    this.audio.addEventListener("play", () => this.shown(true));
    this.audio.addEventListener("pause", () => this.shown(false));
    this.audio.addEventListener("seeked", () => this.tick());
    this.audio.addEventListener("error", () => this.again());
  }

  // The key may have been dropped: any question to the server asks for the passphrase, and then the sound is there again.
  async again() {
    if (!this.audio.hasAttribute("src")) return;
    const now = performance.now();
    if (now - this.failedAt < 3000) return failed({ sentence: "The sound cannot be played. The transcript can be read without it." });
    this.failedAt = now;
    const at = this.audio.currentTime;
    try {
      await this.ask();
    } catch (error) {
      return failed(error);
    }
    this.failedAt = performance.now();
    this.audio.load();
    this.audio.currentTime = at;
    return null;
  }

  shown(playing) {
    this.playButton.firstChild.textContent = playing ? "Pause" : "Play";
    this.playButton.dataset.playing = String(playing);
    clearInterval(this.awake);
    if (!playing) return;
    this.awake = setInterval(() => fetch(this.audio.src, { headers: { Range: "bytes=0-0" } }).catch(() => {}), AWAKE_MS);
    this.frame();
  }

  get playing() {
    return !this.audio.paused;
  }

  // Frames are asked for only while something plays.
  frame() {
    if (this.loop) return;
    const step = () => {
      this.loop = 0;
      this.tick();
      if (this.playing) this.loop = requestAnimationFrame(step);
    };
    this.loop = requestAnimationFrame(step);
  }

  tick() {
    const now = this.audio.currentTime;
    if (now >= this.until) {
      this.until = Infinity;
      this.audio.pause();
    }
    const second = Math.floor(now);
    if (second !== this.second) {
      this.second = second;
      this.clock.textContent = `${clock(now)} / ${clock(this.duration)}`;
    }
    this.onTime(now, this.playing);
  }

  start() {
    this.audio.play().catch((error) => {
      if (error.name !== "AbortError") failed({ sentence: "The sound cannot be played here." });
    });
  }

  toggle() {
    this.until = Infinity;
    if (this.playing) this.audio.pause();
    else this.start();
  }

  pause() {
    this.audio.pause();
  }

  seek(seconds) {
    this.until = Infinity;
    this.audio.currentTime = Math.min(Math.max(0, seconds), this.duration || seconds);
  }

  from(seconds) {
    this.seek(seconds);
    this.start();
  }

  // From 1.5 s before a place to the same after it, then quiet.
  around(begin, end) {
    this.seek(begin - LEAD);
    this.until = end + LEAD;
    this.start();
  }

  jump(by) {
    this.seek(this.audio.currentTime + by);
  }

  setSpeed(speed) {
    this.audio.defaultPlaybackRate = speed; // what a load begins with
    this.audio.playbackRate = speed;
    this.speed.value = String(speed);
    say(`Speed ${speed}`);
  }

  step(by) {
    const at = SPEEDS.indexOf(this.audio.playbackRate);
    this.setSpeed(SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, (at < 0 ? 3 : at) + by))]);
  }

  // Nothing of the voice stays in the page.
  drop() {
    if (!this.audio.hasAttribute("src")) return;
    this.at = this.audio.currentTime;
    this.until = Infinity;
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.audio.load();
  }

  back() {
    if (this.audio.hasAttribute("src")) return;
    this.audio.src = this.address;
    this.audio.currentTime = this.at;
  }

  leave() {
    document.removeEventListener("veil", this.veiled);
    cancelAnimationFrame(this.loop);
    cancelIdleCallback(this.quiet);
    clearInterval(this.awake);
    this.drop();
  }
}
