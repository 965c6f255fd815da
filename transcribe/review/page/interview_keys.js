// Every key of the interview view, with what it does; the help overlay shows this table.
import { explain } from "./explain.js";

export function interviewKeys(view) {
  const { marks, editing, place, player } = view;
  const entry = (group) => (keys, does, run) => ({ group, keys, does, run });
  const [move, decide, missed, correct, hear, finish] = ["Places", "Decide about a mark", "Find what was missed", "Correct the transcript", "Sound", "Finish"].map(entry);
  const bindings = [
    move(["n"], "next open place", () => marks.open(true)),
    move(["p"], "open place before", () => marks.open(false)),
    move(["N", "j"], "next mark of any kind", () => marks.any(true)),
    move(["P", "k"], "mark before, of any kind", () => marks.any(false)),
    decide(["a"], "accept: it is withheld; a stretch stays unclear", () => marks.decide("accept")),
    decide(["x"], "keep: the words stay; a stretch is restored", () => marks.decide("keep")),
    decide(["c"], "change the person or role", () => marks.change()),
    decide(["A"], "accept the same everywhere in the study", () => marks.decide("accept", true)),
    decide(["X"], "keep the same everywhere in the study", () => marks.decide("keep", true)),
    decide(["w"], "why: the evidence", () => explain(view.record, place)),
    decide(["o"], "restore an unclear stretch", () => marks.stretch("restore")),
    decide(["d"], "drop an unclear stretch", () => marks.stretch("drop")),
    decide(["u", "ctrl+z"], "undo", () => marks.undo()),
    decide(["r", "ctrl+shift+z"], "redo", () => marks.redo()),
    missed(["ArrowLeft"], "word before", () => place.move(-1, false)),
    missed(["ArrowRight"], "next word", () => place.move(1, false)),
    missed(["ArrowUp"], "line above", () => place.line(-1, false)),
    missed(["ArrowDown"], "line below", () => place.line(1, false)),
    missed(["shift+ArrowRight"], "choose one word more", () => place.move(1, true)),
    missed(["shift+ArrowLeft"], "choose one word less", () => place.move(-1, true)),
    missed(["m"], "mark the chosen words as a missed name", () => marks.add()),
    missed(["e"], "next uncertain word", () => view.uncertain(true)),
    missed(["E"], "uncertain word before", () => view.uncertain(false)),
    missed(["i"], "list of words that sound like somebody known", () => view.alike.toggle()),
    correct(["t", "F2"], "edit the chosen words", () => editing.words()),
    correct(["s"], "split: a new turn begins with this word", () => editing.split()),
    correct(["g"], "join the turn with the one after it", () => editing.merge()),
    correct(["v"], "change who speaks in this turn", () => editing.speaker()),
    correct(["R"], "rename the speaker: person or role", () => editing.role()),
  ];
  if (player) {
    bindings.push(
      hear(["space"], "play or pause", () => player.toggle()),
      hear(["Enter", "l"], "hear the place, from 1.5 s before it", () => view.hear()),
      hear([","], "back 3 s", () => player.jump(-3)),
      hear(["."], "on 3 s", () => player.jump(3)),
      hear(["["], "slower", () => player.step(-1)),
      hear(["]"], "faster", () => player.step(1)),
      hear(["f"], "follow the sound on the page, or not", () => player.follow.click()),
    );
  }
  bindings.push(
    finish(["S"], "settle, or go to the first open place", () => view.settle.press()),
    finish(["L"], "release", () => view.release()),
    finish(["Escape"], "leave the chosen place and pause", () => leave(view)),
  );
  return bindings;
}

function leave(view) {
  view.place.clear();
  view.place.spot = null;
  view.player?.pause();
  view.dock.draw();
  view.document.focus({ preventScroll: true });
}
