"use strict";
(() => {
  for (const form of document.querySelectorAll("form.once")) {
    // A second click would get the answer that shows no token.
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) {
        event.preventDefault();
      }
      form.dataset.sent = "yes";
    });
  }

  const secret = document.getElementById("secret");
  if (!secret) {
    return;
  }
  const button = document.getElementById("copy-secret");
  const told = document.getElementById("copied");
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(secret.textContent);
      told.textContent = "Copied.";
    } catch {
      // Without a secure connection there is no clipboard: select it for Ctrl-C instead.
      getSelection().selectAllChildren(secret);
      told.textContent = "Selected: copy it with Ctrl-C.";
    }
  });
  // A browser may keep the page as it was for the way back; the token goes when the page does.
  addEventListener("pagehide", () => {
    secret.textContent = "(shown once)";
    button.hidden = true;
  });
})();
