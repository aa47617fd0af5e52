"use strict";
(() => {
  for (const button of document.querySelectorAll("button[data-copy]")) {
    const source = document.getElementById(button.dataset.copy);
    const told = button.parentElement.querySelector("[role=status]");
    button.hidden = false;
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(source.textContent);
        told.textContent = "Copied.";
      } catch {
        // Without a secure connection there is no clipboard: select it for Ctrl-C instead.
        source.closest("details").open = true;
        getSelection().selectAllChildren(source);
        told.textContent = "Selected: copy it with Ctrl-C.";
      }
    });
  }

  // Whoever comes back with the browser's button finds them as they were.
  addEventListener("pageshow", () => {
    for (const button of document.querySelectorAll("form.once [type=submit]")) {
      button.disabled = false;
    }
  });

  for (const form of document.querySelectorAll("form.once")) {
    form.addEventListener("submit", () => {
      // Not before it is sent: what a disabled button says is left out.
      setTimeout(() => {
        for (const button of form.querySelectorAll("[type=submit]")) {
          button.disabled = true;
        }
      });
    });
  }
})();
