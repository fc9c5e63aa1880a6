"use strict";
// Reads on without it; names from the data are written as text and never as markup.

// The counts of the matrix and what one bit would say leave only their cases in the list.
(() => {
  const list = document.querySelector(".cases");
  if (!list) return;

  const cases = [...list.querySelectorAll(".case")];
  const status = list.querySelector("[role=status]");
  const everything = list.querySelector(".all");
  const unfiltered = status.textContent;
  const buttons = [];

  function show(kept, chosen, told) {
    let shown = 0;
    for (const item of cases) {
      item.hidden = !kept(item);
      if (item.hidden) item.open = false;
      else shown += 1;
    }
    for (const button of buttons) button.setAttribute("aria-pressed", String(button === chosen));
    everything.hidden = chosen === null;
    status.textContent = chosen === null ? unfiltered : `${shown} of ${unfiltered}: ${told}`;
    status.focus({ preventScroll: true });
    status.parentElement.scrollIntoView();
  }

  function choose(button, kept, told) {
    button.addEventListener("click", () => show(kept, button, told));
    buttons.push(button);
  }

  for (const cell of document.querySelectorAll(".matrix [data-cell]")) {
    const { cell: name, prompt, response } = cell.dataset;
    const button = document.createElement("button");
    button.type = "button";
    button.title = `Show the cases with prompt ${prompt} and response ${response}`;
    button.setAttribute("aria-pressed", "false");
    button.append(...cell.childNodes);
    choose(button, (item) => item.dataset.cell === name, `prompt ${prompt}, response ${response}`);
    cell.append(button);
  }
  for (const button of list.querySelectorAll("[data-bit]")) {
    const { bit } = button.dataset;
    const told = button.textContent.replace(/ \(\d+\)$/, "");
    choose(button, (item) => (item.dataset.bits ?? "").split(" ").includes(bit), told);
  }
  everything.addEventListener("click", () => show(() => true, null, ""));
  for (const hint of document.querySelectorAll(".scripted")) hint.hidden = false;
})();

// A link into a folded section opens it; paper shows all sections, and never a text.
(() => {
  const folds = [...document.querySelectorAll("details.fold")];
  const open = (hash) => {
    const fold = document.getElementById(hash.slice(1))?.querySelector(":scope > details.fold");
    if (fold) fold.open = true;
  };
  for (const link of document.querySelectorAll('nav a[href^="#"]')) {
    link.addEventListener("click", () => open(link.hash));
  }
  addEventListener("hashchange", () => open(location.hash));
  open(location.hash);
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = folds.filter((fold) => !fold.open);
    for (const fold of closed) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of closed) fold.open = false;
  });
})();

// What is wider than its place says that it scrolls; what is not needs no stop of the keyboard.
(() => {
  const boxes = [...document.querySelectorAll(".wide")];
  const hints = new Map();
  for (const box of boxes) {
    const hint = document.createElement("p");
    hint.className = "scrolls";
    hint.textContent = "Scrolls sideways →";
    hint.hidden = true;
    box.before(hint);
    hints.set(box, hint);
  }
  const look = () => {
    for (const box of boxes) {
      const wider = box.scrollWidth > box.clientWidth + 1;
      hints.get(box).hidden = !wider;
      box.classList.toggle("over", wider);
      if (wider) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  };
  const watch = new ResizeObserver(look);
  for (const box of boxes) watch.observe(box);
  look();
})();
