"use strict";
// The list of issues while it is open: what is new, what is chosen, and the keyboard. Everything
// here works without this script too, only not as quickly.
(() => {
  const EVERY = 10000;
  const MOST = 50;
  const byId = (id) => document.getElementById(id);
  const rows = () => [...document.querySelectorAll("#result_list tbody tr")];

  // --- What is new: told, and shown when asked for. Rows change where they are, and never move.
  const news = byId("news");
  const link = news && news.querySelector("a");
  let latest = "";

  async function look() {
    if (document.hidden) {
      return;
    }
    try {
      const answer = await fetch(news.dataset.address, { credentials: "same-origin" });
      if (answer.ok) {
        await told(await answer.json());
      }
    } catch {
      // The server is away for a moment; the next look tells.
    }
  }

  async function told(counts) {
    const said = sentence(counts);
    if (!said || counts.latest === latest) {
      return;
    }
    updateRows(await load());
    latest = counts.latest;
    link.hidden = false;
    news.classList.remove("idle");
    if (link.textContent !== said) {
      link.textContent = said; // Said again, it would be announced again.
    }
  }

  function sentence({ new: added, changed }) {
    const parts = [];
    if (added) {
      parts.push(`${added >= MOST ? `${MOST} or more` : added} new`);
    }
    if (changed) {
      parts.push(`${changed} changed`);
    }
    return parts.length ? `${parts.join(", ")}: show` : "";
  }

  async function load() {
    const answer = await fetch(link.href, { credentials: "same-origin" });
    if (!answer.ok) {
      throw new Error(`${answer.status}`);
    }
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  }

  function updateRows(page) {
    for (const row of rows()) {
      const now = page.querySelector(`tr[data-id="${row.dataset.id}"]`);
      if (now) {
        row.className = now.className;
        replaceCells(row, document.importNode(now, true));
      }
    }
  }

  // All cells but the one to choose by, and the one that has the focus.
  function replaceCells(row, now) {
    const cells = [...now.cells];
    [...row.cells].forEach((cell, place) => {
      if (!cell.classList.contains("choose") && !cell.contains(document.activeElement)) {
        cell.replaceWith(cells[place]);
      }
    });
  }

  async function show(event) {
    const body = document.querySelector("#result_list tbody");
    if (!body) {
      return; // The list was empty: follow the link.
    }
    event.preventDefault();
    const chosen = new Set(boxes().filter((box) => box.checked).map((box) => box.value));
    body.setAttribute("aria-busy", "true");
    try {
      const fresh = await load();
      body.replaceWith(document.importNode(fresh.querySelector("#result_list tbody"), true));
      boxes().forEach((box) => (box.checked = chosen.has(box.value)));
      news.dataset.address = fresh.getElementById("news").dataset.address;
      link.hidden = true;
      link.textContent = "";
      news.classList.add("idle");
      count();
      focusRow(0);
    } catch {
      location.assign(link.href);
    }
  }

  if (news && news.dataset.address) {
    setInterval(look, EVERY);
    document.addEventListener("visibilitychange", look);
    link.addEventListener("click", show);
  }

  // --- What is chosen.
  const bulk = byId("bulk");
  const all = byId("choose-all");
  const boxes = () => [...document.querySelectorAll("#result_list [name=issue]")];

  function count() {
    if (!bulk) {
      return;
    }
    const chosen = boxes().filter((box) => box.checked).length;
    byId("chosen").textContent = chosen ? `${chosen} selected:` : "None selected";
    bulk.classList.toggle("nothing-chosen", !chosen);
    for (const control of bulk.querySelectorAll("button, select, #bulk-tags")) {
      control.disabled = !chosen;
    }
    all.checked = chosen > 0 && chosen === boxes().length;
    all.indeterminate = chosen > 0 && !all.checked;
  }

  if (bulk) {
    all.parentElement.hidden = false;
    all.addEventListener("change", () => {
      boxes().forEach((box) => (box.checked = all.checked));
      count();
    });
    document.addEventListener("change", (event) => {
      if (event.target.name === "issue") {
        count();
      }
    });
    addEventListener("pageshow", count);
    count();
  }

  // --- The keyboard.
  const help = byId("shortcuts");
  const on = byId("shortcuts-on");
  const KEY = "issuetracker-shortcuts";
  const stored = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // Storage is switched off in this browser: they are on.
    }
  };

  function focusRow(place) {
    const titles = rows().map((row) => row.querySelector("a.title"));
    if (titles.length) {
      titles[Math.max(0, Math.min(place, titles.length - 1))].focus();
    }
  }

  const place = () => rows().findIndex((row) => row.contains(document.activeElement));

  function move(step) {
    focusRow(place() < 0 ? 0 : place() + step);
  }

  function choose() {
    const row = rows()[place()];
    const box = row && row.querySelector("[name=issue]");
    if (box) {
      box.checked = !box.checked;
      count();
    }
  }

  const single = {
    j: () => move(1),
    k: () => move(-1),
    x: choose,
    n: () => link && !link.hidden && link.click(),
    "/": () => byId("searchbar").focus(),
    "?": () => help.showModal(),
  };
  const inRows = { ArrowDown: single.j, ArrowUp: single.k };

  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest("input:not([type=checkbox]), textarea, select, dialog");
    if (event.ctrlKey || event.metaKey || event.altKey || typing) {
      return;
    }
    const action = (place() >= 0 && inRows[event.key]) || (on.checked && single[event.key]);
    if (action) {
      event.preventDefault();
      action();
    }
  });

  on.checked = stored() !== "off";
  on.addEventListener("change", () => {
    try {
      localStorage.setItem(KEY, on.checked ? "on" : "off");
    } catch {
      // It holds for this page.
    }
  });
  byId("help-button").hidden = false;
  byId("help-button").addEventListener("click", () => help.showModal());
})();
