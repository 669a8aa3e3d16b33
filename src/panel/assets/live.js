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
    mark.title = connected ? "What changes is shown at once." : "The server does not answer: what stands here may be old.";
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

  // What somebody has selected stays until he is done with it; what has the focus keeps it.
  const swap = (part, html) => {
    clearTimeout(part.late);
    const selection = getSelection();
    if (!selection.isCollapsed && part.contains(selection.anchorNode)) {
      part.late = setTimeout(swap, 1000, part, html);
      return;
    }
    const name = (element) => element.getAttribute("href") ?? element.form?.getAttribute("action") ?? element.className;
    const focused = part.contains(document.activeElement) ? name(document.activeElement) : null;
    const scrolled = [...part.querySelectorAll(".table")].map((table) => table.scrollLeft);
    part.innerHTML = html;
    localTimes(part);
    part.querySelectorAll(".table").forEach((table, place) => (table.scrollLeft = scrolled[place] ?? 0));
    if (focused !== null) {
      const others = [...part.querySelectorAll("a, button, input, select, [tabindex]")];
      others.find((element) => name(element) === focused)?.focus({ preventScroll: true });
    }
  };

  document.addEventListener("visibilitychange", open);
  open();
}
