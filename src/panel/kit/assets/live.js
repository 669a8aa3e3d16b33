// Parts of a page that change while one looks at it: the server sends them, each under its id.
"use strict";

{
  const main = document.querySelector("main[data-events]");
  const mark = document.createElement("span");
  mark.className = "badge live";
  main.querySelector(".head").append(mark);
  let source = null;
  let again = 0;

  const tell = (connected) => {
    mark.classList.toggle("good", connected);
    mark.textContent = connected ? "Live" : "Not live";
    mark.title = connected ? "This page updates by itself." : "The server does not answer: this page may be out of date.";
  };

  // Only a window that is looked at listens: browsers open few connections to one server.
  const open = () => {
    close();
    if (document.hidden) return;
    source = new EventSource(main.dataset.events);
    source.onopen = () => tell(true);
    source.onerror = () => {
      tell(false);
      if (source.readyState === EventSource.CLOSED) again = setTimeout(open, 15000);
    };
    source.addEventListener("end", () => location.reload());
    for (const part of main.querySelectorAll("[data-part]")) {
      source.addEventListener(part.id, (event) => swap(part, event.data));
    }
  };
  const close = () => {
    clearTimeout(again);
    source?.close();
  };

  // What somebody has selected, ticked or stands on stays until he is done with it. A table as a whole has the
  // focus after a mere click into it: it changes, and keeps it.
  const inUse = (part) => {
    const selection = getSelection();
    const selected = !selection.isCollapsed && part.contains(selection.anchorNode);
    return selected || part.querySelector(":focus:not(.table), input:checked") !== null;
  };
  const swap = (part, html) => {
    clearTimeout(part.late);
    if (part.told === html) return;
    if (inUse(part)) {
      part.late = setTimeout(swap, 1000, part, html);
      return;
    }
    const tables = () => [...part.querySelectorAll(".table")];
    const before = tables().map((table) => ({ left: table.scrollLeft, focused: table === document.activeElement }));
    part.told = html;
    part.innerHTML = html;
    tables().forEach((table, place) => {
      table.scrollLeft = before[place]?.left ?? 0;
      if (before[place]?.focused) table.focus({ preventScroll: true });
    });
  };

  document.addEventListener("visibilitychange", open);
  open();
}
