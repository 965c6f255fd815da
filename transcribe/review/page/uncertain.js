// The next word that deserves a look: heard unsurely, a capital that nothing marks, or alike to a name.
import { starts, wordsAt } from "./text.js";
import { say } from "./say.js";

export function uncertain({ record, place, alike }, forward) {
  const here = place.here();
  const from = record.rank.get(here.turn) ?? 0;
  const step = forward ? 1 : -1;
  for (let i = from; i >= 0 && i < record.order.length; i += step) {
    const turn = record.turns.get(record.order[i]);
    const words = doubts(record, turn, alike.rows);
    if (!forward) words.reverse();
    const at = starts(turn);
    const hit = words.find((word) => i !== from || (forward ? at[word] > here.start : at[word] < here.start));
    if (hit !== undefined) return place.toWords(turn.id, hit);
  }
  return say(forward ? "No uncertain word after this place." : "No uncertain word before this place.");
}

function doubts(record, turn, alike) {
  const at = starts(turn);
  const rare = record.rare.get(turn.id);
  const like = new Set(alike.filter((row) => row.turn === turn.id).map((row) => wordsAt(turn, row.start, row.end)[0]));
  const marks = record.marks(turn.id);
  const marked = (i) => marks.some((mark) => mark.start < at[i + 1] && mark.end > at[i]);
  return turn.words.flatMap((word, i) => ((word[3] < 0.5 || rare?.has(i) || like.has(i)) && !marked(i) ? [i] : []));
}
