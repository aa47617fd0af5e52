"use strict";
// Keeps the ages beside the times true while a page is open; settings/moments.py writes them.
(() => {
  const units = [[86400, "d"], [3600, "h"], [60, "min"]];

  function age(seconds) {
    const distance = Math.abs(seconds);
    const unit = units.find(([length]) => distance >= length);
    if (!unit) {
      return seconds >= 0 ? "just now" : "in a moment";
    }
    const amount = `${Math.floor(distance / unit[0])} ${unit[1]}`;
    return seconds > 0 ? `${amount} ago` : `in ${amount}`;
  }

  function update() {
    for (const element of document.querySelectorAll("time[datetime] .age")) {
      const moment = Date.parse(element.closest("time").dateTime);
      element.textContent = `(${age(Math.trunc((Date.now() - moment) / 1000))})`;
    }
  }

  setInterval(update, 30000);
})();
