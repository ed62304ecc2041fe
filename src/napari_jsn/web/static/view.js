// A picture of 16-bit pixels with zoom, level and window, an overlay of lines, and a second picture to blink with.

import { el } from "./page.js";

const SVG = "http://www.w3.org/2000/svg";
const MOST_ZOOM = 40;
const BLINK_MS = 700;

// Pixels of a radiograph or joint image, with the levels to show at first.
export async function fetchPixels(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error((await answer.json()).error);
  const number = (name) => Number(answer.headers.get(`x-${name}`));
  return {
    rows: number("rows"), columns: number("columns"), low: number("low"), high: number("high"),
    levels: new Uint16Array(await answer.arrayBuffer()),
  };
}

export class View {
  // place: the element to fill. Sizes of the scene are in pixels of the first picture; aspect: width over height of one.
  constructor(place, { zooms = true, onlevels = () => {} } = {}) {
    this.place = place;
    this.canvas = el("canvas", { "aria-hidden": "true" });
    this.svg = document.createElementNS(SVG, "svg");
    place.append(this.canvas, this.svg);
    this.pictures = [];
    this.shown = 0;
    this.matrix = new DOMMatrix();
    this.onlevels = onlevels;
    new ResizeObserver(() => this.resized()).observe(place);
    if (zooms) this.listen();
  }

  // pictures: [{pixels, matrix}], the matrix maps a picture onto the scene; scene: {rows, columns, aspect}
  show(pictures, scene, keep = false) {
    const same = keep && this.scene && this.pictures.length;
    this.scene = scene;
    this.pictures = pictures.map((one) => ({ ...one, canvas: new OffscreenCanvas(one.pixels.columns, one.pixels.rows) }));
    this.shown = Math.min(this.shown, pictures.length - 1);
    if (!same) {
      this.standard();
      this.fit();
    } else this.paint();
  }

  // Show nothing until the next pictures are there.
  hide() {
    this.pictures = [];
    this.heat = null;
    this.svg.replaceChildren();
    this.draw();
  }

  standard() {
    const { low, high } = this.pictures[0]?.pixels ?? { low: 0, high: 65535 };
    this.setLevels((low + high) / 2, high - low);
  }

  setLevels(level, window) {
    this.level = Math.min(Math.max(level, 0), 65535);
    this.window = Math.min(Math.max(window, 600), 65535);
    this.onlevels(this.level, this.window);
    this.paint();
  }

  paint() {
    const low = this.level - this.window / 2;
    const grey = new Uint8ClampedArray(65536);
    for (let k = 0; k < 65536; k++) grey[k] = (255 * (k - low)) / this.window;
    for (const { pixels, canvas } of this.pictures) {
      const image = new ImageData(pixels.columns, pixels.rows);
      const words = new Uint32Array(image.data.buffer);
      const { levels } = pixels;
      for (let k = 0; k < levels.length; k++) {
        const value = grey[levels[k]];
        words[k] = 0xff000000 | (value << 16) | (value << 8) | value;
      }
      canvas.getContext("2d").putImageData(image, 0, 0);
    }
    this.draw();
  }

  // Lay a map over the first picture, from transparent to yellow; null removes it.
  setHeat(map) {
    this.heat = null;
    if (map) {
      const image = new ImageData(map.columns, map.rows);
      const words = new Uint32Array(image.data.buffer);
      for (let k = 0; k < map.levels.length; k++) {
        const share = Math.min(map.levels[k] / Math.max(map.high, 1), 1);
        const alpha = Math.round(190 * Math.min(1, 1.6 * share));
        words[k] = (alpha << 24) | (Math.round(30 * (1 - share)) << 16) | (Math.round(60 + 170 * share) << 8) | 255;
      }
      this.heat = new OffscreenCanvas(map.columns, map.rows);
      this.heat.getContext("2d").putImageData(image, 0, 0);
    }
    this.draw();
  }

  get size() { return [this.place.clientWidth, this.place.clientHeight]; }

  get extent() { return [this.scene.columns * this.scene.aspect, this.scene.rows]; }

  resized() {
    if (!this.scene) return;
    if (this.fitted) this.fit();
    else this.draw();
  }

  fit() {
    const [width, height] = this.size;
    const [columns, rows] = this.extent;
    const scale = Math.min(width / columns, height / rows) || 1;
    this.least = scale;
    this.matrix = new DOMMatrix([scale, 0, 0, scale, (width - scale * columns) / 2, (height - scale * rows) / 2]);
    this.fitted = true;
    this.draw();
  }

  zoom(factor, x = this.size[0] / 2, y = this.size[1] / 2) {
    const wanted = Math.min(Math.max(this.matrix.a * factor, this.least), this.least * MOST_ZOOM);
    if (wanted <= this.least) return this.fit();
    const by = wanted / this.matrix.a;
    this.fitted = false;
    this.matrix = new DOMMatrix([by, 0, 0, by, x - by * x, y - by * y]).multiply(this.matrix);
    this.draw();
  }

  move(x, y) {
    this.fitted = false;
    this.matrix = new DOMMatrix([1, 0, 0, 1, x, y]).multiply(this.matrix);
    this.draw();
  }

  // Show a part of the scene: x, y, side in its pixels
  zoomTo(x, y, side) {
    const [width, height] = this.size;
    const scale = Math.min(Math.max(Math.min(width, height) / side, this.least), this.least * MOST_ZOOM);
    this.fitted = false;
    this.matrix = new DOMMatrix([scale, 0, 0, scale, width / 2 - scale * x * this.scene.aspect, height / 2 - scale * y]);
    this.draw();
  }

  draw() {
    if (!this.scene) return;
    const [width, height] = this.size;
    const dense = Math.min(window.devicePixelRatio || 1, 2);
    if (this.canvas.width !== Math.round(width * dense) || this.canvas.height !== Math.round(height * dense)) {
      this.canvas.width = Math.round(width * dense);
      this.canvas.height = Math.round(height * dense);
    }
    const drawn = this.canvas.getContext("2d");
    drawn.setTransform(1, 0, 0, 1, 0, 0);
    drawn.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const onto = new DOMMatrix([dense, 0, 0, dense, 0, 0]).multiply(this.matrix).scale(this.scene.aspect, 1);
    const picture = this.pictures[this.shown];
    if (picture) {
      // a large radiograph is sent with fewer pixels than it has
      const { rows, columns } = picture.of ?? this.scene;
      const matrix = onto.multiply(picture.matrix ?? new DOMMatrix());
      drawn.setTransform(matrix.scale(columns / picture.pixels.columns, rows / picture.pixels.rows));
      drawn.imageSmoothingEnabled = true;
      drawn.imageSmoothingQuality = "high";
      drawn.drawImage(picture.canvas, 0, 0);
    }
    if (picture && this.heat && this.shown === 0) { // a map over the picture
      drawn.setTransform(onto.scale(this.scene.columns / this.heat.width, this.scene.rows / this.heat.height));
      drawn.drawImage(this.heat, 0, 0);
    }
    const back = this.matrix.inverse();
    const [left, top] = [back.e, back.f];
    this.svg.setAttribute("viewBox", [left, top, width * back.a, height * back.d].join(" "));
    this.overlay?.(this.matrix.a);
  }

  // Put lines over the picture: [{points, class, label, key, onclick}]
  lines(groups) {
    if (!this.scene) return;
    const { aspect } = this.scene;
    this.svg.replaceChildren(...groups.map(({ points, kind = "polygon", label, name, onchoose, chosen, style }) => {
      const group = document.createElementNS(SVG, "g");
      group.setAttribute("class", `${style ?? ""}${chosen ? " chosen" : ""}`.trim());
      const line = document.createElementNS(SVG, kind);
      line.setAttribute("points", points.map(([x, y]) => `${x * aspect},${y}`).join(" "));
      group.append(line);
      if (name) {
        const middle = [0, 1].map((k) => (points[0][k] + points[1][k]) / 2);
        const text = document.createElementNS(SVG, "text");
        text.setAttribute("x", middle[0] * aspect);
        text.setAttribute("y", middle[1]);
        text.textContent = name;
        group.append(text);
      }
      if (onchoose) {
        group.setAttribute("role", "button");
        group.setAttribute("tabindex", "0");
        group.setAttribute("aria-label", label);
        group.setAttribute("aria-pressed", String(Boolean(chosen)));
        group.dataset.joint = name;
        group.addEventListener("click", () => { if (!this.moved) onchoose(); });
        group.addEventListener("keydown", (event) => {
          if (event.key === "Enter" || event.key === " ") { event.preventDefault(); event.stopPropagation(); onchoose(); }
        });
      }
      return group;
    }));
    this.overlay = (scale) => {
      for (const text of this.svg.querySelectorAll("text")) text.setAttribute("font-size", 12 / scale);
    };
    this.overlay(this.matrix.a);
  }

  get blinking() { return Boolean(this.timer); }

  // Alternate between the pictures; changed(number) reports which one is shown.
  blink(on, changed = () => {}) {
    clearInterval(this.timer);
    this.timer = null;
    if (on && this.pictures.length > 1) {
      this.timer = setInterval(() => {
        this.shown = (this.shown + 1) % this.pictures.length;
        this.draw();
        changed(this.shown);
      }, BLINK_MS);
    }
  }

  only(number) {
    this.shown = Math.min(number, this.pictures.length - 1);
    this.draw();
  }

  listen() {
    const { place } = this;
    const pointers = new Map();
    const at = (event) => {
      const box = place.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    place.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), ...at(event));
    }, { passive: false });
    place.addEventListener("pointerdown", (event) => {
      if (event.button > 0) return;
      pointers.set(event.pointerId, at(event));
      this.moved = false;
    });
    place.addEventListener("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      const now = at(event);
      const [x, y] = [now[0] - before[0], now[1] - before[1]];
      if (!this.moved && Math.hypot(x, y) < 4) return;
      if (!this.moved) place.setPointerCapture(event.pointerId);
      this.moved = true;
      if (pointers.size === 2) {
        const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
        const span = (one) => Math.hypot(one[0] - other[0], one[1] - other[1]);
        this.zoom(span(now) / Math.max(span(before), 1), (now[0] + other[0]) / 2, (now[1] + other[1]) / 2);
      } else if (event.shiftKey) this.setLevels(this.level - y * 150, this.window + x * 200);
      else this.move(x, y);
      pointers.set(event.pointerId, now);
    });
    for (const kind of ["pointerup", "pointercancel"]) {
      place.addEventListener(kind, (event) => pointers.delete(event.pointerId));
    }
    place.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const step = 40;
      const keys = {
        "+": () => this.zoom(1.25), "=": () => this.zoom(1.25), "-": () => this.zoom(0.8), 0: () => this.fit(),
        ArrowLeft: () => this.move(step, 0), ArrowRight: () => this.move(-step, 0),
        ArrowUp: () => this.move(0, step), ArrowDown: () => this.move(0, -step),
      };
      if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
    });
  }
}
