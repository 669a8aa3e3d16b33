// What pages can do beyond HTML. Every page works without it.
"use strict";

document.documentElement.classList.add("scripted");

// A choice above a list takes effect at once.
for (const select of document.querySelectorAll("[data-submit]")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

// Lists whose order counts: by buttons, by Alt and arrow keys, by drag.
function sortable(list) {
  const move = (item, by) => {
    const other = by < 0 ? item.previousElementSibling : item.nextElementSibling;
    if (other) other[by < 0 ? "before" : "after"](item);
  };
  list.addEventListener("click", (event) => {
    const button = event.target.closest("[data-move]");
    if (!button) return;
    move(button.closest("li"), Number(button.dataset.move));
    button.focus();
  });
  list.addEventListener("keydown", (event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (!by || !event.altKey) return;
    event.preventDefault();
    move(event.target.closest("li"), by);
    event.target.focus();
  });
  let dragged = null;
  list.addEventListener("dragstart", (event) => {
    dragged = event.target.closest("li");
    dragged.classList.add("dragged");
    event.dataTransfer.effectAllowed = "move";
  });
  list.addEventListener("dragover", (event) => {
    const over = event.target.closest("li");
    if (!dragged || !over) return;
    event.preventDefault();
    const box = over.getBoundingClientRect();
    if (over !== dragged) over[event.clientY < box.top + box.height / 2 ? "before" : "after"](dragged);
  });
  list.addEventListener("dragend", () => {
    dragged?.classList.remove("dragged");
    dragged = null;
  });
}
for (const list of document.querySelectorAll("[data-sortable]")) {
  for (const label of list.querySelectorAll("label")) {
    const movers = document.createElement("span");
    movers.className = "movers";
    for (const [by, arrow, word] of [[-1, "↑", "up"], [1, "↓", "down"]]) {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.move = by;
      button.textContent = arrow;
      button.setAttribute("aria-label", `Move ${label.textContent.trim()} ${word}`);
      movers.append(button);
    }
    label.after(movers);
    label.parentElement.draggable = true;
  }
  sortable(list);
}

// A box that ticks all the others.
for (const head of document.querySelectorAll("[data-tick-all]")) {
  const all = document.createElement("input");
  all.type = "checkbox";
  all.setAttribute("aria-label", "Select all");
  // Rows come and go.
  const boxes = () => head.closest("table").querySelectorAll('tbody input[form="ticked"]');
  all.addEventListener("change", () => { for (const box of boxes()) box.checked = all.checked; });
  head.replaceChildren(all);
}

// A preview that does not play says so.
for (const video of document.querySelectorAll("[data-preview]")) {
  const problem = document.querySelector("[data-preview-problem]");
  video.addEventListener("playing", () => (problem.hidden = true));
  video.addEventListener("error", () => {
    problem.hidden = false;
    problem.textContent =
      "The preview does not play: the stream is sending nothing, too many previews are open, or this browser does not support its codecs.";
  });
}

// Texts that are wanted elsewhere. Browsers have a clipboard only where the page came over TLS.
function copied(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done ? Promise.resolve() : Promise.reject(new Error("not copied"));
}
for (const button of document.querySelectorAll("[data-copy]")) {
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const said = await copied(button.dataset.copy).then(() => "Copied", () => "Not copied");
    button.textContent = said;
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}

// The guide by arrow keys: left and right within a channel, up and down to what another one shows at that time.
for (const table of document.querySelectorAll("[data-guide]")) {
  table.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const button = event.target.closest("td button");
    if (!step || !button || event.altKey || event.ctrlKey || event.metaKey) return;
    const row = button.closest("tr");
    const buttons = [...row.querySelectorAll("td button")];
    let next = buttons[buttons.indexOf(button) + step[0]];
    if (step[1]) {
      const left = button.getBoundingClientRect().left;
      const away = (other) => Math.abs(other.getBoundingClientRect().left - left);
      let line = row;
      next = undefined;
      const beyond = (from) => (step[1] < 0 ? from.previousElementSibling : from.nextElementSibling);
      for (line = beyond(line); line && !next; line = beyond(line)) {
        next = [...line.querySelectorAll("td button")].sort((one, other) => away(one) - away(other))[0];
      }
    }
    if (!next || next === button) return;
    event.preventDefault();
    next.focus();
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
}
