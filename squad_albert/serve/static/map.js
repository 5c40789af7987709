/**
 * The map: points that can be panned, zoomed, pointed at and lassoed, by pointer, by touch and by keyboard.
 *
 * Two canvases lie upon each other: the points, and above them what moves at every step of a hand (lasso, cross).
 */

import { Camera } from "./camera.js";
import { colour, onGround } from "./colours.js";
import { Points } from "./points.js";
import { simplified } from "./polygon.js";

const STEP = 12; // pixels that a key moves the cross
const HAND = 3; // pixels within which a hand is still: what is nearer to a line is no corner, a shorter way no drag
const NEARER = 1.4; // a key's zoom

export class PointMap {
  #points;
  #camera;
  #pointers = new Map(); // of fingers and mice that are down: where they are
  #drawn = []; // corners of a lasso that is being drawn, in the data's coordinates
  #cross = null; // pixels, while the keyboard draws
  #moved = 0;
  #asked = false;
  mode = "pan";
  polygon = []; // of the lasso that is selected
  pinned = -1;

  /**
   * @param {HTMLElement} box holds both canvases; the upper one takes pointers and keys
   * @param {{ids: string[], x: number[], y: number[]}} data
   * @param {{moved: Function, lassoed: Function, hovered: Function, picked: Function, said: Function}} told
   */
  constructor(box, { x, y }, told) {
    [this.lower, this.upper] = box.querySelectorAll("canvas");
    this.told = told;
    this.#points = new Points(this.lower, Float64Array.from(x), Float64Array.from(y));
    this.#camera = new Camera(this.#points.xs, this.#points.ys);
    new ResizeObserver(() => this.#resize(box)).observe(box);
    this.#resize(box);
    this.#camera.fit();
    onGround(() => { this.#points.paint(); this.draw(); });
    this.#listen();
  }

  /** Other places of the same points, all of which are then seen. @param {{x: number[], y: number[]}} places */
  set places({ x, y }) {
    [this.#points.xs, this.#points.ys] = [Float64Array.from(x), Float64Array.from(y)];
    this.#camera = new Camera(this.xs, this.ys);
    this.#resize(this.lower.parentElement);
    this.#camera.fit();
    this.polygon = [];
    this.pinned = -1;
  }

  get xs() { return this.#points.xs; }
  get ys() { return this.#points.ys; }
  get view() { return this.#camera.view; }
  set view(view) { this.#camera.view = view; this.draw(); }
  set look(look) { this.#points.look = look; this.draw(); }
  set values(values) { this.#points.values = values; this.draw(); }
  set lit(lit) { this.#points.lit = lit; this.draw(); }

  /** Where a point is in the window's upper canvas. */
  pixel(at) {
    return this.#camera.pixel(this.xs[at], this.ys[at]);
  }

  zoom(factor) {
    this.#camera.zoom(factor);
    this.#see();
  }

  fit() {
    this.#camera.fit();
    this.#see();
  }

  /** Draws at the next frame, however often it is asked until then. */
  draw() {
    if (this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      this.#points.draw(this.#camera);
      this.#overlay();
      this.lower.dispatchEvent(new CustomEvent("drawn", { bubbles: true }));
    });
  }

  #see() {
    this.draw();
    this.told.moved(this.view);
  }

  #resize(box) {
    const { width, height } = box.getBoundingClientRect();
    if (!width || !height) return;
    this.#camera.resize(width, height);
    this.draw();
  }

  #overlay() {
    const { upper } = this;
    const dense = devicePixelRatio;
    [upper.width, upper.height] = [this.lower.width, this.lower.height];
    const context = upper.getContext("2d", { willReadFrequently: true });
    context.scale(dense, dense);
    const shape = this.#drawn.length ? this.#drawn : this.polygon;
    const corners = shape.map(([x, y]) => this.#camera.pixel(x, y));
    const open = this.#drawn.length && this.#cross ? [...corners, this.#cross] : corners;
    if (open.length > 1) outline(context, open);
    if (this.#cross) for (const corner of corners) dot(context, corner, 3, colour("ink"));
    if (this.pinned >= 0) ring(context, this.pixel(this.pinned));
    if (this.#cross) cross(context, this.#cross);
  }

  #listen() {
    const { upper } = this;
    upper.addEventListener("pointerdown", (event) => this.#down(event));
    upper.addEventListener("pointermove", (event) => this.#move(event));
    upper.addEventListener("pointerup", (event) => this.#up(event));
    upper.addEventListener("pointercancel", (event) => { this.#pointers.delete(event.pointerId); this.#cancel(); });
    upper.addEventListener("pointerleave", () => this.told.hovered(-1));
    upper.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    upper.addEventListener("keydown", (event) => this.#key(event));
    upper.addEventListener("blur", () => { this.#cross = null; this.#cancel(); });
  }

  #down(event) {
    if (event.button !== 0) return;
    this.upper.setPointerCapture(event.pointerId);
    this.upper.focus({ preventScroll: true });
    this.#cross = null;
    this.#pointers.set(event.pointerId, at(event));
    this.#moved = 0;
    this.told.hovered(-1);
    const lasso = (this.mode === "lasso") !== event.shiftKey && this.#pointers.size === 1;
    this.#drawn = lasso ? [this.#camera.place(...at(event))] : [];
  }

  #move(event) {
    const now = at(event);
    const before = this.#pointers.get(event.pointerId);
    if (!before) {
      this.told.hovered(this.#points.nearest(this.#camera, ...now), event);
      return;
    }
    this.#moved += Math.hypot(now[0] - before[0], now[1] - before[1]);
    if (this.#pointers.size === 2) this.#pinch(event.pointerId, before, now);
    else if (this.#drawn.length) this.#extend(now);
    else this.#camera.pan(now[0] - before[0], now[1] - before[1]);
    this.#pointers.set(event.pointerId, now);
    this.draw();
  }

  #extend(now) {
    const [x, y] = this.#camera.pixel(...this.#drawn.at(-1));
    if (Math.hypot(now[0] - x, now[1] - y) >= HAND) this.#drawn.push(this.#camera.place(...now));
  }

  #pinch(id, before, now) {
    this.#drawn = [];
    const [, still] = [...this.#pointers].find(([other]) => other !== id);
    const [was, is] = [before, now].map(([x, y]) => Math.hypot(x - still[0], y - still[1]));
    if (was) this.#camera.zoom(is / was, ...still);
  }

  #up(event) {
    if (!this.#pointers.delete(event.pointerId)) return;
    if (this.#moved <= HAND) {
      this.#drawn = [];
      this.#pick(this.#points.nearest(this.#camera, ...at(event)));
    } else if (this.#drawn.length) this.#close();
    else this.#see();
    this.draw();
  }

  #pick(point) {
    this.pinned = point;
    this.told.picked(point);
  }

  #close() {
    const corners = this.#drawn;
    this.#drawn = [];
    const fewer = simplified(corners, HAND / 2 / this.#camera.scale);
    const rounded = fewer.map((pair) => pair.map((value) => this.#round(value)));
    if (rounded.length > 2) this.told.lassoed(rounded);
    else this.told.said("A lasso needs at least three corners.");
    this.draw();
  }

  /** To a tenth of a pixel: an address need not be finer than the eye. */
  #round(value) {
    return Number(value.toFixed(Math.max(0, Math.ceil(Math.log10(10 * this.#camera.scale)))));
  }

  #cancel() {
    this.#drawn = [];
    this.draw();
  }

  /** The wheel scrolls the page unless the map has the focus, or the wheel stands for a pinch. */
  #wheel(event) {
    if (!event.ctrlKey && document.activeElement !== this.upper) return;
    event.preventDefault();
    this.#camera.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), ...at(event));
    this.#see();
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const does = {
      "+": () => this.zoom(NEARER), "=": () => this.zoom(NEARER), "-": () => this.zoom(1 / NEARER), 0: () => this.fit(),
      " ": () => this.#corner(), Enter: () => this.#finish(), Backspace: () => this.#back(),
      Escape: () => { this.#cross = null; this.#cancel(); },
    }[event.key];
    if (!step && !does) return;
    event.preventDefault();
    if (!step) does();
    else if (event.shiftKey) { this.#camera.pan(-4 * STEP * step[0], -4 * STEP * step[1]); this.#see(); }
    else this.#steer(step);
    this.draw();
  }

  #steer([right, down]) {
    const { width, height } = this.#camera;
    const [x, y] = this.#cross ?? [width / 2, height / 2];
    this.#cross = [Math.min(width, Math.max(0, x + STEP * right)), Math.min(height, Math.max(0, y + STEP * down))];
    const near = this.#points.nearest(this.#camera, ...this.#cross);
    this.told.hovered(near, null, this.#cross);
  }

  #corner() {
    const { width, height } = this.#camera;
    this.#cross ??= [width / 2, height / 2];
    this.#drawn.push(this.#camera.place(...this.#cross));
    this.told.said(`Corner ${this.#drawn.length} set. ${this.#drawn.length > 2 ? "Enter closes the lasso." : ""}`);
  }

  #back() {
    this.#drawn.pop();
    this.told.said(`${this.#drawn.length} corners.`);
  }

  #finish() {
    if (this.#drawn.length) this.#close();
    else if (this.#cross) this.#pick(this.#points.nearest(this.#camera, ...this.#cross));
  }
}

function at(event) {
  return [event.offsetX, event.offsetY];
}

function outline(context, corners) {
  context.beginPath();
  for (const [x, y] of corners) context.lineTo(x, y);
  context.closePath();
  context.globalAlpha = 0.1;
  context.fillStyle = colour("link");
  context.fill();
  context.globalAlpha = 1;
  context.lineWidth = 1.5;
  context.strokeStyle = colour("link");
  context.stroke();
}

function dot(context, [x, y], radius, fill) {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
}

function ring(context, [x, y]) {
  context.beginPath();
  context.arc(x, y, 9, 0, 2 * Math.PI);
  context.lineWidth = 2;
  context.strokeStyle = colour("ink");
  context.stroke();
}

function cross(context, [x, y]) {
  context.beginPath();
  for (const [right, down] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
    context.moveTo(x + 3 * right, y + 3 * down);
    context.lineTo(x + 12 * right, y + 12 * down);
  }
  context.lineWidth = 2;
  context.strokeStyle = colour("ink");
  context.stroke();
}
