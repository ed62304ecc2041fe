// Drop radiographs, state what their files do not, follow the measurement, abort it.

import { el, post, read, words } from "./page.js";

const byId = (name) => document.getElementById(name);
const FACTS = ["acquired", "visit", "side", "spacing_mm"];

// Options: to, the patient to whom visits are added; onchosen, called when files were chosen or dropped.
export function setUpUpload({ to = "", onchosen = () => {} } = {}) {
  const files = new Map();
  let code = null;
  let sending = null;
  let asked = [];

  function show() {
    asked = [];
    byId("facts").hidden = true;
    byId("chosen").hidden = files.size === 0;
    byId("list").replaceChildren(...[...files].map(([name, file]) => el("li", {},
      el("span", { class: "name" }, name), el("span", { class: "faint number" }, `${(file.size / 1e6).toFixed(1)} MB`),
      el("button", { type: "button", class: "plain", "aria-label": `${words.remove}: ${name}`,
        onclick: () => { files.delete(name); show(); byId("begin").focus(); } }, "\u00d7"))));
  }

  function take(list) {
    if (code || sending) return;
    byId("upload-error").textContent = "";
    for (const [name, file] of list) files.set(name, file);
    show();
    if (!files.size) return;
    onchosen();
    byId("begin").focus();
  }

  async function filesOf(entry, path = "") {
    if (entry.isFile) {
      const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
      return entry.name.startsWith(".") ? [] : [[path + entry.name, file]];
    }
    const reader = entry.createReader();
    const found = [];
    for (;;) {
      const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!entries.length) return found;
      for (const each of entries) found.push(...await filesOf(each, `${path}${entry.name}/`));
    }
  }

  const drop = byId("drop");
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
  }
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.classList.remove("over"); });
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const plain = [...event.dataTransfer.files].map((file) => [file.name, file]);
    if (!entries.some((entry) => entry.isDirectory)) return take(plain);
    const found = [];
    for (const entry of entries) found.push(...await filesOf(entry));
    take(found);
  });
  byId("files").addEventListener("change", (event) => {
    take([...event.target.files].map((file) => [file.name, file]));
    event.target.value = "";
  });
  byId("clear").addEventListener("click", () => { files.clear(); show(); byId("files").focus(); });

  // ----------------------------------------------------------------------------------- what the files do not state

  function ask(questions) {
    asked = questions;
    byId("facts").hidden = false;
    byId("facts-list").replaceChildren(...questions.map((each, k) => {
      const field = (name, label, made) => {
        made.id = `facts-${k}-${name}`;
        made.dataset.fact = name;
        return el("p", {}, el("label", { for: made.id }, label), made);
      };
      const side = el("select", {}, ...[["", words.not_known], ["R", words.right], ["L", words.left], ["B", words.both_hands]]
        .map(([value, text]) => el("option", { value, selected: value === each.side }, text)));
      return el("fieldset", {}, el("legend", {}, each.name), el("div", { class: "facts" },
        field("acquired", words.date, el("input", { type: "date", value: each.acquired, max: new Date().toISOString().slice(0, 10) })),
        field("visit", words.visit_number, el("input", { inputmode: "numeric", maxlength: 3, autocomplete: "off", value: each.visit })),
        field("side", words.side, side),
        field("spacing_mm", words.spacing, el("input", { inputmode: "decimal", maxlength: 20, autocomplete: "off", value: each.spacing_mm, disabled: each.dicom }))));
    }));
    (byId("facts-list").querySelector("input:placeholder-shown, input[value='']:not(:disabled)") ?? byId("begin")).focus();
  }

  function stated() {
    return Object.fromEntries(asked.map(({ name }, k) => [name, Object.fromEntries(FACTS.map((fact) => {
      const field = byId(`facts-${k}-${fact}`);
      return [fact, field.disabled ? "" : field.value];
    }))]));
  }

  // --------------------------------------------------------------------------------------------------- the measurement

  function working(text, share) {
    byId("upload").hidden = true;
    byId("work").hidden = false;
    byId("work-text").textContent = text;
    if (share == null) byId("work-bar").removeAttribute("value");
    else byId("work-bar").value = share;
  }

  function ended(sentence, questions = []) {
    code = sending = null;
    byId("upload").hidden = false;
    byId("work").hidden = true;
    byId("upload-error").textContent = questions.length ? "" : sentence;
    if (!questions.length) return byId("begin").focus();
    byId("facts-text").textContent = sentence;
    ask(questions);
  }

  byId("upload").addEventListener("submit", async (event) => {
    event.preventDefault();
    const content = new FormData();
    content.set("to", to);
    content.set("patient", byId("pseudonym")?.value ?? "");
    content.set("spacing_mm", byId("spacing").value);
    if (asked.length) content.set("facts", JSON.stringify(stated()));
    for (const [name, file] of files) content.append("files", file, name);
    byId("upload-error").textContent = "";
    working(words.uploading);
    byId("abort").focus();
    try {
      sending = new AbortController();
      const answer = await fetch("/upload", { method: "POST", body: content, signal: sending.signal });
      const job = await read(answer);
      sending = null;
      follow(job.code);
    } catch (error) {
      ended(error.name === "AbortError" ? words.aborted : error instanceof TypeError ? words.lost : error.message);
    }
  });

  function follow(job) {
    code = job;
    const events = new EventSource(`/progress?code=${encodeURIComponent(job)}`);
    events.onmessage = ({ data }) => {
      const { state, share, message, patient, questions, label } = JSON.parse(data);
      if (state === "waiting" || state === "running") return working(message, share || null);
      events.close();
      if (state === "done") {
        working(words.done, 1);
        location.assign(`/patient?id=${encodeURIComponent(patient)}`);
      } else ended(state === "aborted" ? words.aborted : words[label] ?? message, questions);
    };
    events.onerror = () => { if (events.readyState === EventSource.CLOSED) ended(words.lost); };
  }

  byId("abort").addEventListener("click", async () => {
    sending?.abort();
    if (code) await post("/abort", { code }).catch((error) => ended(error.message));
  });
}
