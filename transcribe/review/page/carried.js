// A transcript made again since decisions were taken: how many were carried over, and which were lost.
import { el, count } from "./dom.js";

export function carriedBanner(record) {
  const { carried } = record;
  if (!carried) return "";
  const { kept, lost } = carried;
  const summary = `This transcript was made again. ${count(kept, "decision was", "decisions were")} carried over, ${lost.length ? `${lost.length} could not be: look at ${lost.length === 1 ? "it" : "them"} again` : "none was lost"}.`;
  if (!lost.length) return el("p", { class: "banner", id: "carried" }, summary);
  const rows = lost.map(({ turn, start, end, what, text }) => {
    const place = turn && record.turns.has(turn) ? el("a", { href: `#/${record.id}/${turn}:${start}-${end}` }, `near ${turn}`) : "its words are gone";
    return el("li", {}, `${what}: \u201c${text}\u201d, `, place);
  });
  return el("details", { class: "banner", id: "carried", open: true }, el("summary", {}, summary), el("ul", {}, ...rows));
}
