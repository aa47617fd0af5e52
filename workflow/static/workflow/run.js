"use strict";
// Follows a run that goes on: when something of it has changed, the page shows it where it stands.
// Nothing changes under the hand: while something on the page has the focus, it waits.
(() => {
  const every = 3000;

  async function look() {
    const shown = document.getElementById("content-main");
    if (!("goesOn" in shown.dataset)) {
      return;
    }
    setTimeout(look, every);
    if (document.hidden || shown.contains(document.activeElement)) {
      return;
    }
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const found = page.getElementById("content-main");
      // A login page has no state: somebody was logged out.
      if (answer.ok && found && found.dataset.state && found.dataset.state !== shown.dataset.state) {
        shown.replaceWith(document.importNode(found, true));
      }
    } catch {
      // The server does not answer; the next look may find it.
    }
  }

  setTimeout(look, every);
})();
