// From a moment in the sound to the word that is said then, by binary search.

export class Times {
  constructor(record) {
    this.record = record;
    this.stale = true;
    record.onChange((turns) => {
      if (turns.size) this.stale = true;
    });
  }

  build() {
    const rows = [];
    for (const id of this.record.order) {
      this.record.turns.get(id).words.forEach(([, start, end], word) => {
        if (start !== null && start !== undefined) rows.push({ start, end, turn: id, word });
      });
    }
    // Speakers overlap, so turns are in order of their beginnings only.
    rows.sort((a, b) => a.start - b.start);
    this.rows = rows;
    this.begins = Float64Array.from(rows, (row) => row.start);
    this.stale = false;
  }

  at(seconds) {
    if (this.stale) this.build();
    let [low, high] = [0, this.begins.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.begins[middle] <= seconds) low = middle + 1;
      else high = middle;
    }
    const row = this.rows[low - 1];
    // In a pause the last word stays lit for a moment, then nothing does.
    return row && seconds < row.end + 0.6 ? row : null;
  }
}

// The sound of a span of words, where they have times.
export function soundOf(turn, first, last) {
  const timed = turn.words.slice(first, last + 1).filter((word) => word[1] !== null && word[1] !== undefined);
  return timed.length ? [timed[0][1], timed[timed.length - 1][2]] : null;
}
