// What lies over the page just now. Asking the document for it would walk through all words at each key.

export const layers = { dialogs: new Set(), popover: null };

// A dialog is shut before it says so, and a quick key may come between.
export const dialogOpen = () => [...layers.dialogs].some((box) => box.open);

// What veils the page: below it nothing is seen, heard, found or printed.
const veils = new Set();

export const veiled = () => veils.size > 0;

export function veil(box) {
  veils.add(box);
  drawn();
}

export function unveil(box) {
  if (veils.delete(box)) drawn();
}

function drawn() {
  if (veiled()) layers.popover?.hidePopover();
  document.documentElement.toggleAttribute("data-veiled", veiled());
  document.dispatchEvent(new Event("veil"));
}

// A dialog that opened over a veil would stand between it and whoever has the passphrase.
export const unveiled = () =>
  new Promise((done) => {
    const look = () => {
      if (veiled()) return;
      document.removeEventListener("veil", look);
      done();
    };
    document.addEventListener("veil", look);
    look();
  });
