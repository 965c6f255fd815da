// Release: which formats, for whom, and a plain warning before anything that nobody has reviewed.
import { told as saved } from "./acts.js";
import { post } from "./api.js";
import { el, button, count } from "./dom.js";
import { confirm, openDialog } from "./dialog.js";
import { failed, note } from "./say.js";

const USUAL = new Set(["txt", "docx"]);

export function releaseDialog(session, ids, record = null) {
  const formats = session.formats.map(([name, use]) => check("format", name, `${name}`, use, USUAL.has(name)));
  const level = el("select", { id: "level" }, ...session.levels.map((name) => el("option", { value: name }, name)));
  const unreviewed = check("extra", "unreviewed", "Also what nobody has reviewed", "every question in it is withheld, and every file says so", false);
  const all = ids.length !== 1;
  const answer = el("div", { class: "answer", role: "status" });
  const go = button("Release", () => write(), { class: "primary", id: "release-go" });
  const box = openDialog({
    title: all ? "Release the study" : `Release ${ids[0]}`,
    id: "release-dialog",
    body: [
      all ? el("p", { class: "faint" }, "All recordings that are settled.") : "",
      record && !record.settled ? el("p", { class: "warning" }, "This transcript is not settled yet.") : "",
      el("fieldset", {}, el("legend", {}, "Formats"), el("div", { class: "checks" }, ...formats.map((f) => f.row))),
      el("div", { class: "field" }, el("label", { for: "level" }, "For whom"), level, el("span", { class: "hint" }, "team keeps most, public least.")),
      el("div", { class: "checks one" }, unreviewed.row),
      answer,
    ],
    foot: [button("Cancel", () => box.close()), go],
    focus: formats[0]?.input,
  });

  async function write() {
    const chosen = formats.filter((f) => f.input.checked).map((f) => f.name);
    if (!chosen.length) return answer.replaceChildren(el("p", { class: "wrong" }, "Choose a format."));
    if (unreviewed.input.checked && !(await warned())) return null;
    answer.replaceChildren(el("p", {}, "Writing, and reading every file once more ..."));
    go.disabled = true;
    try {
      await saved();
      const result = await post("/api/release", { recordings: all ? [] : ids, formats: chosen, level: level.value, unreviewed: unreviewed.input.checked });
      answer.replaceChildren(...told(result));
      note(`Release ${result.release} is written.`);
    } catch (error) {
      if (error.sentence) answer.replaceChildren(el("p", { class: "wrong", role: "alert" }, error.sentence));
      else failed(error);
    }
    go.disabled = false;
    return null;
  }
}

const warned = () =>
  confirm("Release what nobody has reviewed?", ["No detector is perfect. In a transcript that nobody has read, names can stand.", "Use such a release for your own work only; do not pass it on."], "Release unreviewed", { danger: true });

function told({ release, files, left_out: left }) {
  return [
    el("p", {}, `Release ${release} is written: ${count(files.length, "file")}.`),
    el("ul", { class: "files" }, ...files.map((file) => el("li", {}, file))),
    left.length ? el("p", {}, `Left out: ${left.map(([id, why]) => `${id} (${why})`).join(", ")}.`) : "",
  ];
}

function check(group, name, label, hint, checked) {
  const id = `${group}-${name}`;
  const input = el("input", { type: "checkbox", id, checked, "aria-describedby": `${id}-hint` });
  return { name, input, row: el("div", { class: "check-row" }, input, el("label", { for: id }, label), el("span", { class: "hint", id: `${id}-hint` }, hint)) };
}
