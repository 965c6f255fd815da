// The passphrase, asked for when the key was dropped.
import { el, button } from "./dom.js";
import { openDialog } from "./dialog.js";

let asking = null;

// Several requests may meet the lock at once: they all wait for one dialog.
export function askPassphrase(unlock) {
  asking ??= ask(unlock).finally(() => {
    asking = null;
  });
  return asking;
}

function ask(unlock) {
  return new Promise((done) => {
    const field = el("input", { type: "password", id: "passphrase", autocomplete: "off", required: true });
    const wrong = el("p", { class: "wrong", role: "alert" });
    const box = openDialog({
      title: "The key was put away",
      id: "unlock",
      closes: false,
      // What was on the screen is veiled until somebody who has the passphrase is there.
      veil: true,
      body: [
        el("p", {}, "Nothing was done here for some time, or it was locked. Type the study's passphrase to go on where you were."),
        el("label", { for: "passphrase" }, "Passphrase"),
        field,
        wrong,
      ],
      foot: [button("Unlock", () => submit(), { class: "primary", id: "unlock-go" })],
      focus: field,
    });
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") submit();
    });

    async function submit() {
      wrong.textContent = "";
      try {
        await unlock(field.value);
        box.close();
        done();
      } catch (error) {
        wrong.textContent = error.sentence;
        field.select();
      }
    }
  });
}
