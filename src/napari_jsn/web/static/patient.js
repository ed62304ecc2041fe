// The view of a patient: radiograph, joint at both visits, table of grades.

import { el, post, read, say, tell, words } from "./page.js";
import { setUpTable } from "./table.js";
import { setUpUpload } from "./upload.js";
import { View, fetchPixels } from "./view.js";

const byId = (name) => document.getElementById(name);
const view = JSON.parse(byId("view").textContent);
const known = new Map();
let side = (view.hands.find((hand) => hand.visit === view.visit) ?? view.hands[0])?.side ?? "";
let chosen = null; // site
let boxesShown = true;
let mapTurn = 0;

function address(path, hand, joint = "") {
  return `${path}?${new URLSearchParams({ id: view.patient, session: view.session, visit: hand.visit, side: hand.side, joint })}`;
}

// Pixels, each fetched once.
function pixelsOf(hand, joint = "") {
  const from = address("/pixels", hand, joint);
  if (!known.has(from)) known.set(from, fetchPixels(from));
  return known.get(from);
}

const handOf = (visit) => view.hands.find((hand) => hand.visit === visit && hand.side === side);
const visitLabel = (number) => view.visits.find((visit) => visit.number === number)?.label ?? "";
const sideName = (each) => ({ R: words.right, L: words.left })[each] ?? words.hand;
const matrix = (rows) => (rows ? new DOMMatrix([rows[0][0], rows[1][0], rows[0][1], rows[1][1], rows[0][2], rows[1][2]]) : new DOMMatrix());
const pause = matchMedia("(prefers-reduced-motion: reduce)");

// ---------------------------------------------------------------------------------------------------- radiograph

const levels = { level: byId("level"), window: byId("window") };
const stage = new View(byId("stage"), {
  onlevels: (level, window) => {
    levels.level.value = level / 65.535;
    levels.window.value = window / 65.535;
  },
});
for (const slider of Object.values(levels)) {
  slider.addEventListener("input", () => stage.setLevels(levels.level.value * 65.535, levels.window.value * 65.535));
}
byId("standard").addEventListener("click", () => stage.standard());
byId("zoom-in").addEventListener("click", () => stage.zoom(1.4));
byId("zoom-out").addEventListener("click", () => stage.zoom(1 / 1.4));
byId("zoom-fit").addEventListener("click", () => stage.fit());

// The other visit that the radiograph blinks with: the first, or the second where the first is shown.
function other() {
  return handOf(view.visit === 1 ? 2 : 1);
}

let handTurn = 0;
async function showHand() {
  const turn = ++handTurn; // what arrives after another hand was chosen is not shown
  const hand = handOf(view.visit);
  byId("stage").classList.toggle("nothing", !hand);
  if (!hand) { byId("shown").textContent = words.no_radiograph; return; }
  try {
    byId("stage").classList.add("loading");
    const pictures = [{ pixels: await pixelsOf(hand), of: hand, visit: hand.visit }];
    if (turn !== handTurn) return;
    stage.show(pictures, hand);
    byId("stage").dataset.shown = `${hand.visit}${hand.side}`;
    byId("stage").classList.remove("loading");
    label();
    drawBoxes();
    const second = other();
    byId("blink").disabled = !second || !(hand.onto_first || second.onto_first);
    byId("blink").hidden = view.visits.length < 2 || !view.measured;
    if (!byId("blink").disabled) {
      const onto = hand.visit === 1 ? matrix(second.onto_first) : matrix(hand.onto_first).inverse();
      pictures.push({ pixels: await pixelsOf(second), of: second, visit: second.visit, matrix: onto });
      if (turn !== handTurn) return;
      stage.show(pictures, hand, true);
    }
  } catch (error) {
    if (turn === handTurn) tell(error.message);
  }
}

function label() {
  const picture = stage.pictures[stage.shown];
  const map = byId("map").value && chosen && stage.heat && stage.shown === 0 ? say("map_of", { site: chosen }) : "";
  byId("shown").textContent = map || (picture ? `${visitLabel(picture.visit)}, ${sideName(side)}` : "");
}

function drawBoxes() {
  const hand = handOf(view.visit);
  if (!hand || stage.scene !== hand || !stage.pictures.length) return;
  stage.lines(!boxesShown ? [] : Object.entries(hand.joints).map(([name, points]) => {
    const figure = view.figures[`${name}-${side}`];
    return {
      points, name, chosen: name === chosen, style: figure ? figure.state : "",
      label: [name, sideName(side), figure ? `${figure.value} ${view.unit}, ${figure.state_label}` : ""].filter(Boolean).join(", "),
      onchoose: () => choose(name, side, "stage"),
    };
  }));
}

function toggle(button, on) {
  button.setAttribute("aria-pressed", String(on));
}

byId("boxes").addEventListener("click", () => {
  boxesShown = !boxesShown;
  toggle(byId("boxes"), boxesShown);
  drawBoxes();
});

function blink(on = !stage.blinking) {
  if (byId("blink").disabled) return;
  if (pause.matches && on) { // one step at a time
    stage.only((stage.shown + 1) % stage.pictures.length);
    toggle(byId("blink"), stage.shown !== 0);
    return label();
  }
  stage.blink(on, label);
  if (!on) stage.only(0);
  toggle(byId("blink"), on);
  label();
}
byId("blink").addEventListener("click", () => blink());
byId("stage").addEventListener("keydown", (event) => {
  if (event.key.toLowerCase() === "b" && !event.ctrlKey && !event.metaKey) blink();
});

function showSides() {
  const sides = [...new Set(view.hands.filter((hand) => hand.visit === view.visit).map((hand) => hand.side))];
  byId("hands").hidden = sides.length < 2;
  byId("hands").replaceChildren(...sides.map((each) => el("button", {
    type: "button", "aria-pressed": String(each === side), onclick: () => { setSide(each); },
  }, sideName(each))));
}

function setSide(wanted) {
  if (wanted === side || !view.hands.some((hand) => hand.side === wanted)) return;
  if (stage.blinking) blink(false);
  side = wanted;
  mapTurn++;
  stage.hide();
  showSides();
  showHand();
}

// ---------------------------------------------------------------------------------------------------------- maps

async function showMap() {
  const turn = ++mapTurn;
  const kind = byId("map").value;
  stage.setHeat(null);
  const hand = handOf(view.visit);
  if (!kind || !chosen || !hand) return label();
  byId("shown").textContent = words.map_wait;
  try {
    const map = await fetchPixels(`${address("/map", hand, chosen)}&kind=${kind}`);
    if (turn !== mapTurn) return;
    stage.setHeat(map);
    label();
  } catch (error) {
    if (turn !== mapTurn) return;
    byId("map").value = "";
    label();
    tell(error.message);
  }
}
byId("map").addEventListener("change", () => {
  if (byId("map").value && !chosen) { byId("map").value = ""; return tell(words.choose_joint); }
  showMap();
});

byId("score")?.addEventListener("click", async () => {
  byId("score").disabled = true;
  try {
    let job = await post("/score", { patient: view.patient });
    while (["waiting", "running"].includes(job.state)) {
      byId("score-text").textContent = job.message;
      await new Promise((resolve) => setTimeout(resolve, 300));
      job = await read(await fetch(`/job?code=${encodeURIComponent(job.code)}`));
    }
    if (job.state !== "done") throw new Error(job.message || words.aborted);
    location.reload();
  } catch (error) {
    byId("score").disabled = false;
    byId("score-text").textContent = "";
    tell(error.message);
  }
});

// --------------------------------------------------------------------------------------------------------- joint

let jointViews = [];
let asked = 0;
let outlinesShown = false;

function choose(site, ofSide, from = "table") {
  if (site === chosen && ofSide === side) return;
  chosen = site;
  setSide(ofSide);
  drawBoxes();
  if (from === "stage") {
    byId("stage").querySelector(`g[data-joint="${site}"]`)?.focus({ preventScroll: true });
    const row = document.querySelector(`tr[data-site="${site}"]`);
    for (const each of document.querySelectorAll("tr.chosen")) each.classList.remove("chosen");
    row?.classList.add("chosen");
  } else {
    for (const each of document.querySelectorAll("tr.chosen")) each.classList.remove("chosen");
    document.querySelector(`tr[data-site="${site}"]`)?.classList.add("chosen");
  }
  showJoint();
  if (byId("map").value) showMap();
}

async function showJoint() {
  const turn = ++asked;
  const site = chosen;
  const hand = handOf(view.visit);
  byId("joint-title").textContent = `${site} ${sideName(side)}`;
  const figure = view.figures[`${site}-${side}`];
  byId("joint-figure").replaceChildren(...(figure ? [
    el("span", { class: "faint" }, `${words.since_first}: `), el("b", {}, figure.value ? `${figure.value} ${view.unit}` : figure.state_label),
    el("span", {}, figure.value ? ` (${figure.interval})` : ""),
    ...(figure.state === "good" ? [] : [el("span", { class: "state" }, ` ${figure.reason || figure.state_label}`)]),
  ] : view.measured && view.visit > 1 ? [el("span", { class: "faint" }, `${words.since_first}: ${words.not_measured}`)] : []));
  stopJointBlink();
  if (!hand?.joints[site]) return noJoint(words.no_view);
  try {
    const { views } = await read(await fetch(address("/joint", hand, site)));
    if (turn !== asked) return;
    const pixels = await Promise.all(views.map((each) => pixelsOf(handOf(each.visit), site)));
    if (turn !== asked) return;
    byId("joint-none").hidden = true;
    byId("both").hidden = false;
    byId("joint-tools").hidden = !view.measured; // without a measurement there are no outlines, and nothing to align by
    byId("both").replaceChildren();
    jointViews = views.map((each, k) => {
      const place = el("div", { class: "small-stage" });
      const width = each.jsw[0] == null ? "" : `${words.width} ${each.jsw[0].toFixed(2)} mm`;
      byId("both").append(el("figure", {}, place, el("figcaption", {},
        el("b", {}, visitLabel(each.visit)), el("span", { class: "faint" }, width, each.changed_by_hand ? ` (${words.by_hand})` : ""))));
      const shown = new View(place, { zooms: false });
      const scene = { rows: each.rows, columns: each.columns, aspect: 1 };
      const pictures = [{ pixels: pixels[k], of: scene }];
      if (k === 1 && each.onto_first) { // the follow-up over the baseline
        pictures.push({ pixels: pixels[0], of: views[0], matrix: matrix(each.onto_first).inverse() });
      }
      shown.show(pictures, scene);
      shown.info = each;
      return shown;
    });
    byId("joint-blink").hidden = !(jointViews[1]?.pictures.length > 1);
    drawOutlines();
  } catch (error) {
    if (turn === asked) noJoint(error.message);
  }
}

function noJoint(sentence) {
  byId("both").hidden = byId("joint-tools").hidden = true;
  byId("joint-none").hidden = false;
  byId("joint-none").textContent = sentence;
}

function drawOutlines() {
  for (const shown of jointViews) {
    const { outlines } = shown.info;
    shown.lines(!outlinesShown ? [] : ["upper", "lower"].flatMap((name) => outlines[name].map((points) => ({ points, kind: "polyline", style: name }))));
  }
}
byId("outlines").addEventListener("click", () => {
  outlinesShown = !outlinesShown;
  toggle(byId("outlines"), outlinesShown);
  drawOutlines();
});

function stopJointBlink() {
  for (const shown of jointViews) shown.blink(false);
  toggle(byId("joint-blink"), false);
}
byId("joint-blink").addEventListener("click", () => {
  const shown = jointViews[1];
  if (!shown) return;
  if (shown.blinking) { stopJointBlink(); return shown.only(0); }
  if (pause.matches) return shown.only((shown.shown + 1) % 2);
  shown.blink(true);
  toggle(byId("joint-blink"), true);
});

const adding = byId("add-dialog");
if (adding) {
  setUpUpload({ to: view.patient, onchosen: () => { if (!adding.open) adding.showModal(); } });
  byId("add").addEventListener("click", () => { adding.showModal(); byId("files").focus(); });
  byId("add-close").addEventListener("click", () => adding.close());
  adding.addEventListener("close", () => { if (!byId("work").hidden) byId("abort").click(); });
}

// A file has all grades: it is fetched when those that are being sent are saved; an error is a sentence on the page.
for (const link of document.querySelectorAll("[data-download]")) {
  link.addEventListener("click", async (event) => {
    event.preventDefault();
    byId("saved").textContent = words.preparing;
    try {
      await table.sent();
      const answer = await fetch(link.href);
      if (!answer.ok) await read(answer);
      const file = URL.createObjectURL(await answer.blob());
      const name = /filename="(.*)"/.exec(answer.headers.get("content-disposition"))[1];
      el("a", { href: file, download: name }).click();
      setTimeout(() => URL.revokeObjectURL(file), 60000);
    } catch (error) {
      tell(error instanceof TypeError ? words.lost : error.message);
    }
    byId("saved").textContent = "";
  });
}

// An item of a session is done: go to the next one, or back to the list.
byId("finish")?.addEventListener("click", async () => {
  try {
    await table.sent();
    const { next } = await post("/finish", { session: view.session, patient: view.patient });
    const session = encodeURIComponent(view.session);
    location.assign(next ? `/patient?id=${encodeURIComponent(next)}&session=${session}` : `/session?name=${session}`);
  } catch (error) {
    tell(error.message);
  }
});

const table = setUpTable(view, choose);
showSides();
showHand();
