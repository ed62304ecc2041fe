// The first view: drop radiographs, follow the measurement, abort it; delete a patient.

import { el, post, read, say, words } from "./page.js";

const byId = (name) => document.getElementById(name);
const files = new Map();
let code = null;
let sending = null;

function show() {
  byId("chosen").hidden = files.size === 0;
  byId("list").replaceChildren(...[...files].map(([name, file]) => el("li", {},
    el("span", { class: "name" }, name), el("span", { class: "faint number" }, `${(file.size / 1e6).toFixed(1)} MB`),
    el("button", { type: "button", class: "plain", "aria-label": `${words.remove}: ${name}`,
      onclick: () => { files.delete(name); show(); } }, "\u00d7"))));
}

function take(list) {
  byId("upload-error").textContent = "";
  for (const [name, file] of list) files.set(name, file);
  show();
  if (files.size) byId("begin").focus();
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

function working(text, share) {
  byId("upload").hidden = true;
  byId("work").hidden = false;
  byId("work-text").textContent = text;
  if (share == null) byId("work-bar").removeAttribute("value");
  else byId("work-bar").value = share;
}

function ended(sentence) {
  code = sending = null;
  byId("upload").hidden = false;
  byId("work").hidden = true;
  byId("upload-error").textContent = sentence;
  byId("begin").focus();
}

byId("upload").addEventListener("submit", async (event) => {
  event.preventDefault();
  const content = new FormData();
  content.set("patient", byId("pseudonym").value);
  content.set("spacing_mm", byId("spacing").value);
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
    const { state, share, message, patient } = JSON.parse(data);
    if (state === "waiting" || state === "running") return working(message, share || null);
    events.close();
    if (state === "done") {
      working(words.done, 1);
      location.assign(`/patient?id=${encodeURIComponent(patient)}`);
    } else ended(state === "aborted" ? words.aborted : message);
  };
  events.onerror = () => { if (events.readyState === EventSource.CLOSED) ended(words.lost); };
}

byId("abort").addEventListener("click", async () => {
  sending?.abort();
  if (code) await post("/abort", { code }).catch((error) => ended(error.message));
});

// ------------------------------------------------------------------------------------------------------ deletion

const dialog = byId("delete-dialog");
let toDelete = null;
for (const button of document.querySelectorAll("[data-delete]")) {
  button.addEventListener("click", () => {
    toDelete = button.dataset.delete;
    byId("delete-title").textContent = say("delete_title", { patient: toDelete });
    byId("delete-error").textContent = "";
    dialog.showModal();
  });
}
byId("delete-yes").addEventListener("click", async () => {
  try {
    await post("/delete", { patient: toDelete });
    location.reload();
  } catch (error) {
    byId("delete-error").textContent = error.message;
  }
});
