
"use strict";
// Turns the counts of the matrix into buttons that leave only their cases in the list.
// Names from the data are written as text and never as markup.
(() => {
  const list = document.querySelector(".cases");
  const cells = [...document.querySelectorAll(".matrix [data-cell]")];
  if (!list || !cells.length) return;

  const cases = [...list.querySelectorAll(".case")];
  const status = list.querySelector("[role=status]");
  const everything = list.querySelector(".all");
  const unfiltered = status.textContent;

  function show(cell) {
    let shown = 0;
    for (const item of cases) {
      item.hidden = cell !== null && item.dataset.cell !== cell.dataset.cell;
      if (item.hidden) item.open = false;
      else shown += 1;
    }
    for (const other of cells) {
      other.firstElementChild.setAttribute("aria-pressed", String(other === cell));
    }
    everything.hidden = cell === null;
    status.textContent = cell === null
      ? unfiltered
      : `${shown} of ${unfiltered}: prompt ${cell.dataset.prompt}, response ${cell.dataset.response}`;
    status.focus({ preventScroll: true });
    status.parentElement.scrollIntoView();
  }

  for (const cell of cells) {
    const button = document.createElement("button");
    button.type = "button";
    button.title = `Show the cases with prompt ${cell.dataset.prompt} and response ${cell.dataset.response}`;
    button.setAttribute("aria-pressed", "false");
    button.append(...cell.childNodes);
    button.addEventListener("click", () => show(cell));
    cell.append(button);
  }
  everything.addEventListener("click", () => show(null));
  for (const hint of document.querySelectorAll(".scripted")) hint.hidden = false;
})();
