// What all views share: requests with sentences for errors, dialogs, the reader's name, the language.

export const words = JSON.parse(document.getElementById("words").textContent);

export function say(key, values = {}) {
  return words[key].replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

// Make an element: el("p", {class: "x"}, "text", child)
export function el(name, attributes = {}, ...content) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false && value != null) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...content);
  return made;
}

// Send JSON and return the answer; an error has the sentence of the server.
export async function post(path, content) {
  let answer;
  try {
    answer = await fetch(path, {
      method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(content),
    });
  } catch {
    throw new Error(words.lost);
  }
  return read(answer);
}

export async function read(answer) {
  const text = await answer.text();
  let content = {};
  try {
    content = JSON.parse(text);
  } catch {
    content = { error: text.slice(0, 300) };
  }
  if (!answer.ok) throw Object.assign(new Error(content.error || words.lost), { argument: content.argument });
  return content;
}

let hiding;
export function tell(sentence) {
  const place = document.getElementById("message");
  place.textContent = sentence;
  place.classList.toggle("shown", Boolean(sentence));
  clearTimeout(hiding);
  if (sentence) hiding = setTimeout(() => tell(""), 12000);
}
document.getElementById("message").addEventListener("click", () => tell(""));

for (const dialog of document.querySelectorAll("dialog")) {
  dialog.addEventListener("click", (event) => {
    if ((event.target === dialog && !dialog.classList.contains("wide")) || event.target.closest("[data-close]")) dialog.close();
  });
}

// ------------------------------------------------------------------------------------------------ the reader's name

const readerButton = document.getElementById("reader");
const nameDialog = document.getElementById("name-dialog");
const nameField = document.getElementById("name");
const nameError = document.getElementById("name-error");
let named = null;

export function reader() {
  return readerButton.dataset.reader;
}

// Ask for the reader's name where none is known; returns whether there is one.
export function askReader(again = false) {
  if (reader() && !again) return Promise.resolve(true);
  nameField.value = reader();
  nameError.textContent = "";
  nameDialog.showModal();
  nameField.select();
  return new Promise((resolve) => { named = resolve; });
}

document.getElementById("name-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    const before = reader();
    const { reader: name } = await post("/reader", { name: nameField.value });
    readerButton.dataset.reader = name;
    document.getElementById("reader-name").textContent = name;
    const resolve = named;
    named = null;
    nameDialog.close();
    if (name !== before) document.dispatchEvent(new CustomEvent("reader", { detail: { before } }));
    resolve?.(true);
  } catch (error) {
    nameError.textContent = error.message;
  }
});
nameDialog.addEventListener("close", () => { named?.(false); named = null; });
readerButton.addEventListener("click", () => askReader(true));

// ------------------------------------------------------------------------------------------------ address, language

document.getElementById("language").addEventListener("change", (event) => event.target.form.submit());

const address = new URL(location.href);
if (address.searchParams.has("token")) { // the cookie has it; it must not stay in the history
  address.searchParams.delete("token");
  history.replaceState(null, "", address);
}
for (const menu of document.querySelectorAll("details.menu")) {
  document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
  menu.addEventListener("click", (event) => { if (event.target.closest("a")) menu.open = false; });
  menu.addEventListener("keydown", (event) => {
    if (event.key === "Escape") { menu.open = false; menu.querySelector("summary").focus(); }
  });
}
