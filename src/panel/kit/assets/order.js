// Ordered lists: a text area with one entry a line, the id first, becomes a list to drag, search and add to.
"use strict";

for (const area of document.querySelectorAll("[data-order]")) {
  const make = (tag, attributes, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const list = make("ol", { class: "picks ordered", "data-sortable": "", "aria-label": area.labels[0].textContent });
  const held = () => [...list.children].map((item) => item.dataset.line);

  const button = (text, label, attributes) =>
    make("button", { type: "button", class: "small", "aria-label": label, title: label, ...attributes }, text);
  const item = (line) => {
    const name = line.replace(/^\S+\s*/, "") || line;
    const movers = make("span", { class: "movers" });
    movers.append(
      button("Top", `Move ${name} to the top`, { "data-end": "prepend" }),
      button("↑", `Move ${name} up`, { "data-move": "-1" }),
      button("↓", `Move ${name} down`, { "data-move": "1" }),
      button("End", `Move ${name} to the end`, { "data-end": "append" }),
    );
    if (area.dataset.order) movers.append(button("×", `Remove ${name}`, { "data-out": "" }));
    return make("li", { draggable: "true", "data-line": line }, make("span", { class: "name" }, name), movers);
  };
  const read = () => list.replaceChildren(...area.value.split("\n").filter((line) => line.trim()).map(item));
  const count = make("span", { class: "muted", role: "status" });
  const write = () => {
    area.value = held().join("\n");
    count.textContent = `${list.children.length} ${"paged" in area.dataset ? "on this page" : "in the list"}`;
  };

  list.addEventListener("click", (event) => {
    const pressed = event.target.closest("button");
    if (!pressed) return;
    const entry = pressed.closest("li");
    if ("out" in pressed.dataset) {
      (entry.nextElementSibling ?? entry.previousElementSibling)?.querySelector("[data-out]").focus();
      entry.remove();
    }
    if ("end" in pressed.dataset) {
      list[pressed.dataset.end](entry);
      pressed.focus();
    }
  });
  sortable(list);
  new MutationObserver(write).observe(list, { childList: true });

  const find = make("input", { type: "search", placeholder: "Find in this list", "aria-label": "Find in this list" });
  find.addEventListener("input", () => {
    const sought = find.value.toLowerCase();
    for (const entry of list.children) entry.hidden = !entry.dataset.line.toLowerCase().includes(sought);
  });
  const bar = make("div", { class: "finder" }, find, count);
  const boxes = [find];

  if (area.dataset.order) {
    const add = make("input", { type: "search", placeholder: "Search streams to add", "aria-label": "Search streams to add" });
    const found = make("ul", { class: "picks found", "aria-label": "Found", hidden: "" });
    let waiting = 0;
    const show = async () => {
      found.hidden = !add.value.trim();
      if (found.hidden) return;
      const asked = add.value;
      const answer = await fetch(area.dataset.order + encodeURIComponent(asked));
      if (!answer.ok || asked !== add.value) return;
      const ids = new Set(held().map((line) => line.split(/\s/)[0]));
      const rows = (await answer.json()).map(({ id, name }) => {
        const take = button("Add", `Add ${name}`, {});
        const taken = () => {
          take.disabled = true;
          take.textContent = take.title = "In the list";
          take.setAttribute("aria-label", `In the list: ${name}`);
        };
        if (ids.has(String(id))) taken();
        take.addEventListener("click", () => {
          list.append(item(`${id} ${name}`));
          taken();
        });
        return make("li", {}, make("span", { class: "name" }, name, make("small", { class: "muted" }, ` ${id}`)), take);
      });
      found.replaceChildren(...(rows.length ? rows : [make("li", { class: "muted" }, "No streams match.")]));
    };
    add.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => show().catch(() => {}), 150);
    });
    bar.append(add);
    boxes.push(add);
    area.before(bar, found, list);
  } else {
    area.before(bar, list);
  }
  for (const box of boxes) {
    // Enter would send the form.
    box.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault());
  }

  const text = make("button", { type: "button", class: "small", "aria-pressed": "false" }, "As text");
  const turn = (asText) => {
    area.hidden = !asText;
    for (const part of [list, find, ...boxes]) part.hidden = asText;
    text.setAttribute("aria-pressed", String(asText));
    if (!asText) read();
    write();
  };
  text.addEventListener("click", () => turn(area.hidden));
  bar.append(text);
  turn(false);
}
