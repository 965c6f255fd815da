// Why a mark is there: the evidence, in a popover beside it.
import { get } from "./api.js";
import { el } from "./dom.js";
import { layers } from "./layers.js";
import { failed, say } from "./say.js";


export async function explain(record, place) {
  const mark = place.found;
  if (!mark) return say("No mark is chosen. N goes to the next open place.");
  if (layers.popover) return layers.popover.hidePopover();
  const chosen = place.mark;
  if (mark.reasons) return pop(place, "Why this stretch is unclear", mark.reasons.map((reason) => [reason, "", null]));
  try {
    const { evidence, score, rule } = await get(`/api/recordings/${encodeURIComponent(record.id)}/explain/${encodeURIComponent(mark.id)}`);
    if (place.mark !== chosen) return null; // she has gone on
    return pop(place, `${percent(score)} likely, by the rule \u201c${rule}\u201d`, evidence.map((row) => [row.rule, row.detail, row.score]));
  } catch (error) {
    return failed(error);
  }
}

const percent = (score) => (score === null || score === undefined ? "" : `${Math.round(score * 100)} %`);

function pop(place, title, rows) {
  const box = place.transcript.box(place.mark);
  if (!box) return;
  const items = rows.map(([rule, detail, score]) => el("li", {}, el("b", {}, rule), detail ? `: ${detail}` : "", score === null ? null : el("span", { class: "score" }, percent(score))));
  const shown = el("div", { popover: "auto", class: "popover", id: "evidence", role: "dialog", "aria-label": title, tabindex: "-1" }, el("h2", {}, title), items.length ? el("ul", {}, ...items) : el("p", {}, "No more is known of it."));
  shown.addEventListener("toggle", (event) => {
    if (event.newState !== "closed") return;
    const focused = shown.contains(document.activeElement);
    shown.remove();
    if (layers.popover === shown) layers.popover = null;
    if (focused || document.activeElement === document.body) box.focus({ preventScroll: true });
  });
  shown.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "w") {
      event.preventDefault();
      event.stopPropagation();
      shown.hidePopover();
    }
  });
  document.body.append(shown);
  layers.popover = shown;
  shown.showPopover();
  const rect = box.getBoundingClientRect();
  const size = shown.getBoundingClientRect();
  const below = rect.bottom + 8 + size.height < innerHeight;
  shown.style.left = `${Math.max(8, Math.min(rect.left, document.documentElement.clientWidth - size.width - 8))}px`;
  shown.style.top = `${below ? rect.bottom + 8 : Math.max(8, rect.top - size.height - 8)}px`;
  shown.focus();
}
