// Acts, one after the other: each is painted at once, sent with the version it stands on, and taken back if refused.
import { Refused, get, post } from "./api.js";
import { painted } from "./dom.js";
import { alarm, failed, note } from "./say.js";

const CHANGED = "This transcript was changed meanwhile, in another window or by somebody else. The changes show now; your last act was not done. Look, and do it again if you still want it.";

// What was done in any view and is still on its way: whatever is read or released before that is there lacks it.
let under = Promise.resolve();
let unsaved = 0;
export const told = () => under;

// What shows as decided and is not on the disk yet would be lost with the window.
addEventListener("beforeunload", (event) => {
  if (unsaved) event.preventDefault();
});

export class Acts {
  constructor(record, by) {
    this.record = record;
    this.by = by;
    this.path = `/api/recordings/${encodeURIComponent(record.id)}`;
    this.queue = Promise.resolve();
    this.waiting = 0;
    this.polling = 0;
    this.since = 0;
  }

  // What an act is about, as it shows: places and numbers of words mean something else once that changes.
  sight({ do: what, turn, marks = [], label }) {
    const { turns, order, rank, labels } = this.record;
    const next = what === "merge" ? order[rank.get(turn) + 1] : turn;
    const about = [turn, next, ...marks.map((id) => this.record.turnOf(id))];
    return { turns: JSON.stringify([...about.map((id) => turns.get(id)), labels.get(label)]), marks: marks.map((id) => this.record.told(id)) };
  }

  // What she decided herself a moment ago she may decide anew.
  overtaken(seen, body) {
    const now = this.sight(body);
    const other = (mark, i) => mark?.by !== this.by && JSON.stringify(mark) !== JSON.stringify(seen.marks[i]);
    return now.turns !== seen.turns || now.marks.some(other);
  }

  // Answers the turns that the server changed, or null when it refused. `seen`: what she saw when she began.
  act(body, effect = new Map(), seen = this.sight(body)) {
    const operation = { effect };
    if (effect.size) this.record.paint(operation);
    return this.save(async () => {
      // The eye goes first: on a small machine the server's work would hold up the frame.
      if (effect.size) await painted();
      if (this.overtaken(seen, body)) throw new Refused(409, { changed: true, error: CHANGED });
      return this.record.patch(await post(`${this.path}/act`, { version: this.record.version, ...body }), operation);
    }, operation);
  }

  undo() {
    return this.save(async () => this.record.patch(await post(`${this.path}/undo`, { version: this.record.version })));
  }

  redo() {
    return this.save(async () => this.record.patch(await post(`${this.path}/redo`, { version: this.record.version })));
  }

  // `sure` asks her: nothing comes in while she answers, so she signs what shows.
  settle(sure) {
    return this.enqueue(async () => (await sure()) && this.record.patch(await post(`${this.path}/settle`, { version: this.record.version })));
  }

  save(job, operation) {
    unsaved += 1;
    return this.enqueue(job, operation).finally(() => {
      unsaved -= 1;
    });
  }

  enqueue(job, operation = null) {
    this.waiting += 1;
    const done = this.queue.then(job).catch((error) => this.refused(error, operation));
    this.queue = done.finally(() => {
      this.waiting -= 1;
      this.watch();
    });
    under = Promise.allSettled([under, this.queue]).then(() => {});
    return done;
  }

  async refused(error, operation) {
    if (operation) this.record.unpaint(operation);
    const version = this.record.version;
    if (error.changed || error.answer?.open) await this.refresh().catch(failed);
    if (error.changed && this.record.version !== version) alarm(CHANGED);
    else failed(error);
    return null;
  }

  async refresh() {
    const patch = await get(`${this.path}/changes?since=${encodeURIComponent(this.record.version)}`);
    return this.record.patch(patch);
  }

  // While the server still looks for a new name in the study its finds come in by and by.
  watch() {
    if (!this.record.busy || this.polling) return;
    this.since ||= performance.now();
    this.polling = setTimeout(() => {
      this.polling = 0;
      this.catchUp("The search for repeats is done.");
    }, 1200);
  }

  catchUp(finished = "") {
    if (this.waiting) return this.watch();
    const was = this.record.busy;
    return this.enqueue(async () => {
      const turns = await this.refresh();
      if (was && !this.record.busy) {
        // A short search needs no word of its own.
        if (finished && performance.now() - this.since > 5000) note(finished);
        this.since = 0;
      }
      return turns;
    });
  }

  stop() {
    clearTimeout(this.polling);
    this.polling = -1;
  }
}
