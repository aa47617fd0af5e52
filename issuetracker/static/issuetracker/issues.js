"use strict";
(() => {
  // The list says that something is new, and leaves the rows where they are.
  const news = document.getElementById("news");
  const EVERY = 10000;

  async function look() {
    if (document.hidden) {
      return;
    }
    try {
      const answer = await fetch(news.dataset.address, { credentials: "same-origin" });
      const told = answer.ok ? (await answer.json()).count : 0;
      announce(told);
    } catch {
      // The server is away for a moment; the next look tells.
    }
  }

  function announce(count) {
    if (count > 0) {
      news.firstElementChild.textContent =
        `${count === 50 ? "50 or more" : count} new or changed issue${count === 1 ? "" : "s"}: show`;
      news.hidden = false;
    }
  }

  if (news && news.dataset.address) {
    setInterval(look, EVERY);
    document.addEventListener("visibilitychange", look);
  }

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

  for (const form of document.querySelectorAll("form.once")) {
    form.addEventListener("submit", () => {
      form.querySelector("[type=submit]").disabled = true;
    });
  }
})();
