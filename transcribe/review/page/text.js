// Offsets count code points. Most turns have none beyond U+FFFF, so the fast way is to slice the string itself.

const ASTRAL = /[\ud800-\udfff]/;
const layouts = new WeakMap();

export const length = (text) => (ASTRAL.test(text) ? Array.from(text).length : text.length);

export const slice = (text, from, to) => (ASTRAL.test(text) ? Array.from(text).slice(from, to).join("") : text.slice(from, to));

// Where each word begins in its turn, and where the turn ends: one number more than there are words.
export function starts(turn) {
  let known = layouts.get(turn);
  if (!known) {
    known = new Int32Array(turn.words.length + 1);
    turn.words.forEach((word, i) => {
      known[i + 1] = known[i] + length(word[0]);
    });
    layouts.set(turn, known);
  }
  return known;
}

export const textOf = (turn) => turn.words.map((word) => word[0]).join("");

export const said = (turn, start, end) => slice(textOf(turn), start, end).trim();

// The first and last word that a span of code points touches.
export function wordsAt(turn, start, end) {
  const at = starts(turn);
  let first = 0;
  while (first < turn.words.length - 1 && at[first + 1] <= start) first += 1;
  let last = first;
  while (last < turn.words.length - 1 && at[last + 1] < end) last += 1;
  return [first, last];
}

// Words as a span without the space before them and without the stops around them, for a name is asked for.
export function spanOf(turn, first, last) {
  const at = starts(turn);
  const text = slice(textOf(turn), at[first], at[last + 1]);
  const bare = text.replace(/^[\s"'\u2018\u201c([]+/u, "");
  const tidy = bare.replace(/(?:['\u2019]s)?[\s.,;:!?"'\u2019\u201d)\]\u2026-]+$/u, "").replace(/['\u2019]s$/u, "");
  const start = at[first] + length(text) - length(bare);
  return tidy ? [start, start + length(tidy)] : [start, at[last + 1]];
}
