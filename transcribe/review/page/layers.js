// What lies over the page just now. Asking the document for it would walk through all words at each key.

export const layers = { dialogs: new Set(), popover: null };

// A dialog is shut before it says so, and a quick key may come between.
export const dialogOpen = () => [...layers.dialogs].some((box) => box.open);
