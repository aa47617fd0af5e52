"use strict";
// One box that chooses all letters of the page; without scripts they are chosen one by one.
(() => {
  const all = document.getElementById("choose-all");
  if (!all) {
    return;
  }
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of document.querySelectorAll("input[name=letter]")) {
      box.checked = all.checked;
    }
  });
})();
