// The table of grades: keys, the dialog with all choices, edits that are sent one after the other.

import { askReader, el, post, read, reader, say, tell, words } from "./page.js";

const REASONS = ["not_visible", "overlap", "surgery", "missing"];
const MARKS = ["subluxation", "luxation", "ankylosis"];
const grid = document.getElementById("grid");
const byId = (name) => document.getElementById(name);

export function setUpTable(view, onchoose) {
  const { patient, session, visit } = view;
  const cells = new Map(Object.entries(view.cells));
  let editedCells = view.edited;
  const rows = [...grid.querySelectorAll("tr[data-site]")].map((row) => [...row.querySelectorAll("td")].map((td) => td.querySelector("button.cell")));
  let queue = Promise.resolve();
  let waiting = 0;

  function patch(table) {
    for (const [key, cell] of Object.entries(table.cells)) {
      const button = byId(key);
      cells.set(key, cell);
      if (!(button instanceof HTMLButtonElement)) continue;
      button.dataset.state = cell.state;
      button.setAttribute("aria-label", cell.label);
      button.toggleAttribute("data-x", cell.text === "X");
      button.querySelector(".value").textContent = cell.text;
      button.querySelector(".initial").dataset.text = cell.initial; // drawn by the style: the label says it in words
      button.querySelector(".mark").dataset.text = (cell.mark || "").slice(0, 3);
    }
    for (const [kind, total] of Object.entries(table.totals)) {
      byId(`sum-${kind}`).textContent = total.sum;
      byId(`of-${kind}`).textContent = say("of", total);
    }
    byId("undo").disabled = !table.can_undo;
    byId("redo").disabled = !table.can_redo;
    byId("reset-all").disabled = !table.edited;
    editedCells = table.edited;
  }

  async function current() {
    return read(await fetch(`/table?${new URLSearchParams({ id: patient, session, visit })}`));
  }

  // Send a change after those before it; the answer is shown when no other waits.
  function change(path, content) {
    waiting++;
    byId("saved").textContent = words.saving;
    queue = queue.then(async () => {
      let table;
      try {
        table = await post(path, { patient, session, visit, ...content });
      } catch (error) {
        tell(error.message);
      }
      waiting--;
      if (table && waiting) return;
      byId("saved").textContent = table ? words.saved : "";
      if (table) patch(table);
      else if (!waiting) await current().then(patch, () => {});
    });
    return queue;
  }

  const key = (button) => ({ site: button.dataset.site, side: button.dataset.side, kind: button.dataset.kind });

  async function grade(button, value) {
    if (!await askReader()) return button.focus();
    button.querySelector(".value").textContent = value.grade ?? (value.not_scored ? "X" : button.querySelector(".value").textContent);
    button.dataset.state = "edited";
    button.focus();
    change("/grade", { ...key(button), ...value });
  }

  async function initial(button) {
    if (button.dataset.state !== "edited") return;
    if (!await askReader()) return;
    change("/initial", key(button));
  }

  // ------------------------------------------------------------------------------------------- focus and keys

  function choose(button) {
    for (const other of grid.querySelectorAll("button.cell[tabindex='0']")) other.tabIndex = -1;
    button.tabIndex = 0;
    onchoose(button.dataset.site, button.dataset.side);
  }

  function move(button, down, right) {
    const row = rows.findIndex((each) => each.includes(button));
    const column = rows[row].indexOf(button);
    if (right) {
      const inRow = rows[row].map((each, k) => (each ? k : -1)).filter((k) => k >= 0);
      const next = inRow[inRow.indexOf(column) + right];
      return next === undefined ? null : rows[row][next];
    }
    for (let k = row + down; k >= 0 && k < rows.length; k += down) if (rows[k][column]) return rows[k][column];
    return null;
  }

  const every = [...grid.querySelectorAll("button.cell")];
  if (every.length) every[0].tabIndex = 0;
  grid.addEventListener("focusin", (event) => { if (event.target.matches("button.cell")) choose(event.target); });
  grid.addEventListener("keydown", (event) => {
    const button = event.target.closest("button.cell");
    if (!button) return;
    if ((event.ctrlKey || event.metaKey) && !event.altKey) {
      const name = event.key.toLowerCase();
      if (name === "z" && !event.shiftKey) { event.preventDefault(); step("/undo"); }
      else if (name === "y" || name === "z") { event.preventDefault(); step("/redo"); }
      return;
    }
    if (event.altKey) return;
    const arrows = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    if (arrows[event.key]) {
      event.preventDefault();
      move(button, ...arrows[event.key])?.focus();
    } else if (event.key === "Home" || event.key === "End") {
      event.preventDefault();
      (event.key === "Home" ? every[0] : every.at(-1)).focus();
    } else if (/^[0-9]$/.test(event.key)) {
      event.preventDefault();
      const highest = cells.get(button.id).highest;
      if (Number(event.key) <= highest) grade(button, { grade: Number(event.key) });
      else tell(`${button.dataset.site}, ${words[button.dataset.kind]}: 0-${highest}`);
    } else if (event.key === "x" || event.key === "X") {
      event.preventDefault();
      open(button, true);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      initial(button);
    }
  });

  // ------------------------------------------------------------------------------------------- all choices

  const dialog = byId("cell-dialog");
  function open(button, reasons = false) {
    const { site, side, kind } = button.dataset;
    const cell = cells.get(button.id);
    const pick = (value) => () => { dialog.close(); grade(button, value); };
    const numbers = [...Array(cell.highest + 1).keys()];
    const sideName = { R: words.right, L: words.left }[side] ?? "";
    dialog.replaceChildren(
      el("h2", { id: "cell-title" }, [site, sideName, words[kind]].filter(Boolean).join(", ")),
      el("p", { class: "faint" }, cell.label.split(": ").slice(1).join(": ")),
      el("div", { class: "pick", role: "group", "aria-label": words.grade }, ...numbers.map((number) => el("button", {
        type: "button", class: "grade", "data-grade": number, onclick: pick({ grade: number }) }, String(number)))),
      ...(kind === "jsn" ? [el("h3", {}, words.marks), el("div", { class: "pick" }, ...MARKS.map((mark) => el("button", {
        type: "button", "data-mark": mark, onclick: pick({ mark }) }, words[`mark_${mark}`])))] : []),
      el("h3", {}, words.reasons),
      el("div", { class: "pick" }, ...REASONS.map((reason) => el("button", {
        type: "button", "data-reason": reason, onclick: pick({ not_scored: reason }) }, words[`reason_${reason}`]))),
      el("p", { class: "buttons" },
        el("button", { type: "button", "data-initial": true, disabled: cell.state !== "edited",
          onclick: () => { dialog.close(); initial(button); button.focus(); } }, words.reset_one),
        el("button", { type: "button", onclick: () => dialog.close() }, words.cancel)),
    );
    dialog.onclose = () => button.focus();
    dialog.onkeydown = (event) => {
      if (!/^[0-9]$/.test(event.key) || Number(event.key) > cell.highest) return;
      event.preventDefault(); // else the digit would be typed into the dialog that asks for the name
      pick({ grade: Number(event.key) })();
    };
    dialog.showModal();
    const now = dialog.querySelector(`[data-grade="${cell.text}"]`);
    (reasons ? dialog.querySelector("[data-reason]") : now ?? dialog.querySelector("[data-grade]")).focus();
  }
  grid.addEventListener("click", (event) => {
    const button = event.target.closest("button.cell");
    if (button) open(button);
  });

  // ------------------------------------------------------------------------------------------- all cells

  async function step(path) {
    if (await askReader()) change(path, {});
  }
  byId("undo").addEventListener("click", () => step("/undo"));
  byId("redo").addEventListener("click", () => step("/redo"));
  const sure = byId("reset-dialog");
  byId("reset-all").addEventListener("click", () => {
    byId("reset-text").textContent = say("reset_text", { count: editedCells, reader: reader() });
    sure.showModal();
  });
  byId("reset-yes").addEventListener("click", () => { sure.close(); change("/initial", { all: true }); });
  document.addEventListener("reader", () => { queue = queue.then(current).then(patch, (error) => tell(error.message)); });
  addEventListener("beforeunload", (event) => { if (waiting) event.preventDefault(); });
  return { sent: () => queue };
}
