// One interview as the server gave it, and over it what was decided here and is still on its way there.

export class RecordModel {
  constructor(document) {
    this.listeners = new Set();
    this.pending = [];
    this.load(document);
  }

  load(document) {
    const { turns, marks, uncommon, ...rest } = document;
    Object.assign(this, rest);
    this.turns = new Map(turns.map((turn) => [turn.id, turn]));
    this.order = turns.map((turn) => turn.id);
    this.base = new Map(Object.entries(marks));
    this.rare = new Map(Object.entries(uncommon).map(([id, words]) => [id, new Set(words)]));
    this.index();
    this.overlay = new Map();
  }

  index() {
    this.rank = new Map(this.order.map((id, i) => [id, i]));
    this.stretches = new Map();
    for (const stretch of this.flagged) {
      if (!this.stretches.has(stretch.turn)) this.stretches.set(stretch.turn, []);
      this.stretches.get(stretch.turn).push(stretch);
    }
    this.unread = new Set(this.foreign);
    this.labels = new Map(this.speakers.map((speaker, i) => [speaker.label, { ...speaker, tone: i }]));
    this.sorted = null;
  }

  onChange(listener) {
    this.listeners.add(listener);
  }

  tell(turns, what = {}) {
    for (const listener of this.listeners) listener(turns, what);
  }

  // --- what shows: the server's truth under what is pending

  marks(turn) {
    const marks = this.base.get(turn) || [];
    return this.overlay.size ? marks.map((mark) => ({ ...mark, ...this.overlay.get(mark.id) })) : marks;
  }

  flags(turn) {
    const stretches = this.stretches.get(turn) || [];
    return this.overlay.size ? stretches.map((stretch) => ({ ...stretch, ...this.overlay.get(stretch.id) })) : stretches;
  }

  get opened() {
    return this.overlay.size ? this.open.filter((place) => !this.overlay.get(place.id)?.decided) : this.open;
  }

  get settled() {
    return this.state === "settled" || this.state === "released";
  }

  find(id) {
    const turn = this.turnOf(id);
    if (!turn) return null;
    const has = (place) => place.id === id;
    const place = this.base.get(turn)?.find(has) || this.stretches.get(turn)?.find(has);
    return { ...place, ...this.overlay.get(id) };
  }

  // A mark as the server told it.
  told(id) {
    return this.base.get(this.turnOf(id))?.find((mark) => mark.id === id);
  }

  turnOf(id) {
    this.places();
    return this.homes.get(id) || null;
  }

  // Every mark and every flagged stretch in reading order, made once for each version.
  places() {
    if (!this.sorted) {
      this.sorted = this.order.flatMap((turn) => {
        const marks = (this.base.get(turn) || []).map(({ id, start, end }) => ({ id, turn, start, end }));
        const flags = (this.stretches.get(turn) || []).map(({ id, start, end }) => ({ id, turn, start, end }));
        return flags.length ? [...marks, ...flags].sort((a, b) => a.start - b.start) : marks;
      });
      this.homes = new Map(this.sorted.map((place) => [place.id, place.turn]));
    }
    return this.sorted;
  }

  compare(a, b) {
    return (this.rank.get(a.turn) ?? -1) - (this.rank.get(b.turn) ?? -1) || a.start - b.start;
  }

  // --- changes

  // `effect`: what an act does to places, by id, until the server has said so itself.
  paint(operation) {
    this.pending.push(operation);
    this.rebase(new Set());
  }

  unpaint(operation) {
    this.pending = this.pending.filter((other) => other !== operation);
    this.rebase(new Set());
  }

  rebase(dirty, what = {}) {
    const before = this.overlay;
    this.overlay = new Map();
    for (const { effect } of this.pending) {
      for (const [id, change] of effect) this.overlay.set(id, { ...this.overlay.get(id), ...change });
    }
    const turns = new Set(dirty);
    const ids = new Set([...before.keys(), ...this.overlay.keys()].filter((id) => before.get(id) !== this.overlay.get(id)));
    for (const id of ids) if (this.turnOf(id)) turns.add(this.turnOf(id));
    this.tell(turns, what);
  }

  // A patch names what changed; an operation whose answer it is leaves the pending ones in the same breath.
  patch(patch, operation = null) {
    this.pending = this.pending.filter((other) => other !== operation);
    if (patch.document) {
      this.load(patch.document);
      this.rebase(new Set(), { all: true });
      return new Set(this.order);
    }
    const dirty = new Set();
    const flagsBefore = this.stretches;
    const marginsBefore = JSON.stringify([this.speakers, this.foreign]);
    for (const [id, turn] of Object.entries(patch.turns || {})) this.putTurn(id, turn, dirty);
    for (const [id, marks] of Object.entries(patch.marks || {})) this.putMarks(id, marks, dirty);
    for (const [id, words] of Object.entries(patch.uncommon || {})) this.rare.set(id, new Set(words));
    for (const name of ["version", "speakers", "flagged", "foreign", "carried", "open", "undo", "redo", "state", "busy"]) {
      if (patch[name] !== undefined) this[name] = patch[name];
    }
    if (patch.order) this.order = patch.order;
    this.index();
    if (patch.flagged) for (const id of changedFlags(flagsBefore, this.stretches)) dirty.add(id);
    this.rebase(dirty, { order: Boolean(patch.order), margins: JSON.stringify([this.speakers, this.foreign]) !== marginsBefore });
    return dirty;
  }

  putTurn(id, turn, dirty) {
    dirty.add(id);
    if (turn) this.turns.set(id, turn);
    else {
      this.turns.delete(id);
      this.base.delete(id);
      this.rare.delete(id);
    }
  }

  putMarks(id, marks, dirty) {
    dirty.add(id);
    this.base.set(id, marks);
  }
}

function changedFlags(before, after) {
  const ids = new Set([...before.keys(), ...after.keys()]);
  return [...ids].filter((id) => JSON.stringify(before.get(id)) !== JSON.stringify(after.get(id)));
}
