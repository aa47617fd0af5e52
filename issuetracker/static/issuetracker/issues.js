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

  const once = document.querySelectorAll("form.once");

  // Whoever comes back with the browser's button finds them as they were.
  addEventListener("pageshow", () => {
    for (const form of once) {
      delete form.dataset.sent;
      for (const button of form.querySelectorAll("[type=submit]")) {
        button.disabled = false;
      }
    }
  });

  for (const form of once) {
    form.addEventListener("submit", (event) => {
      // A second click can come before the first has its button disabled.
      if (form.dataset.sent) {
        event.preventDefault();
        return;
      }
      form.dataset.sent = "yes";
      // Not before it is sent: what a disabled button says is left out.
      setTimeout(() => {
        for (const button of form.querySelectorAll("[type=submit]")) {
          button.disabled = true;
        }
      });
    });
  }
})();
