// The first view: drop radiographs, delete a patient.

import { post, say } from "./page.js";
import { setUpUpload } from "./upload.js";

const byId = (name) => document.getElementById(name);
setUpUpload();
document.addEventListener("reader", () => { if (byId("sessions")) location.reload(); }); // they are those of a reader

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
