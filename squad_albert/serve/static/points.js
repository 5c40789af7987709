/**
 * Draws many points fast: each kind of dot is painted once, and its pixels are then laid over those of the map.
 *
 * The pixels are mixed here and not by the canvas, which without a graphics card takes a hundred times as long.
 */

import { channels, colour } from "./colours.js";

const RADII = [2, 2.8, 3.6, 4.4, 5.2, 6, 7]; // pixels, by the column that sizes them
const LARGEST = 0.98; // of the values: what lies above is drawn no larger, lest one value make all others small
const USUAL = 1; // of these
const DIM = 0.16; // of points that are not selected, which are grey and small
const LIT = 0.78;

export class Points {
  #sprites = [];
  #grey = null;
  #image = null;
  #order;

  /** @param {HTMLCanvasElement} canvas @param {Float64Array} xs @param {Float64Array} ys */
  constructor(canvas, xs, ys) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    [this.xs, this.ys] = [xs, ys];
    this.codes = new Uint8Array(xs.length);
    this.sizes = new Uint8Array(xs.length).fill(USUAL);
    this.lit = null; // of a selection: 1 for each of its points
    this.colours = () => [colour("blue")];
    this.#sort();
  }

  set look({ codes, colours }) {
    [this.codes, this.colours] = [codes, colours];
    this.paint();
  }

  /** Sizes by the values; null where all are alike, and the smallest for a point without a value. */
  set values(values) {
    this.sizes = new Uint8Array(this.xs.length).fill(USUAL);
    if (values) {
      const known = Float64Array.from(values.filter((value) => value !== null)).sort();
      const [least, most] = [known[0], known[Math.floor(LARGEST * (known.length - 1))]];
      const share = (value) => (most > least ? Math.min(1, (value - least) / (most - least)) : 0);
      const size = (value) => Math.round(share(value) * (RADII.length - 1));
      this.sizes = Uint8Array.from(values, (value) => (value === null ? 0 : size(value)));
    }
    this.#sort();
  }

  /** Large ones first, so that they hide none; a shuffle would flicker, so ties stay in order. */
  #sort() {
    const { sizes } = this;
    this.#order = Uint32Array.from(sizes, (_, at) => at).sort((one, other) => sizes[other] - sizes[one] || one - other);
  }

  /** Paints a dot of each colour and size, for the screen's own pixels. */
  paint() {
    const dense = devicePixelRatio;
    const edge = colour("surface");
    const painted = (fill) => RADII.map((radius) => dot(fill, edge, radius, dense));
    this.#sprites = this.colours().map(painted);
    this.#grey = dot(colour("grey"), edge, RADII[0], dense);
  }

  draw(camera) {
    const { canvas, context } = this;
    const dense = devicePixelRatio;
    const [width, height] = [Math.round(camera.width * dense), Math.round(camera.height * dense)];
    if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
    if (this.#image?.width !== width || this.#image.height !== height) this.#image = new ImageData(width, height);
    const [red, green, blue] = channels(colour("surface"));
    this.#image.data.set([red, green, blue, 255]);
    const pixels = new Uint32Array(this.#image.data.buffer);
    pixels.fill(pixels[0]);
    if (this.lit) this.#lay(camera, dense, 0, DIM);
    this.#lay(camera, dense, 1, LIT);
    context.putImageData(this.#image, 0, 0);
  }

  #lay(camera, dense, wanted, alpha) {
    const { xs, ys, codes, sizes, lit } = this;
    const scale = camera.scale * dense;
    const left = (camera.width / 2) * dense - camera.x * scale;
    const top = (camera.height / 2) * dense + camera.y * scale;
    for (const at of this.#order) {
      if (lit && lit[at] !== wanted) continue;
      const dot = wanted ? this.#sprites[codes[at]][sizes[at]] : this.#grey;
      mix(this.#image, dot, Math.round(left + xs[at] * scale - dot.width / 2),
        Math.round(top - ys[at] * scale - dot.height / 2), alpha);
    }
  }

  /** The point nearest to a pixel, of those that are lit and within reach; -1 for none. */
  nearest(camera, pixelX, pixelY, reach = 14) {
    const [x, y] = camera.place(pixelX, pixelY);
    let [found, least] = [-1, (reach / camera.scale) ** 2];
    for (let at = 0; at < this.xs.length; at += 1) {
      if (this.lit && !this.lit[at]) continue;
      const away = (this.xs[at] - x) ** 2 + (this.ys[at] - y) ** 2;
      if (away <= least) [found, least] = [at, away];
    }
    return found;
  }
}

/** A dot with an edge in the colour of the ground, which keeps dots apart that lie upon each other. */
function dot(fill, edge, radius, dense) {
  const side = Math.ceil(2 * (radius + 1) * dense);
  const context = new OffscreenCanvas(side, side).getContext("2d", { willReadFrequently: true });
  context.beginPath();
  context.arc(side / 2, side / 2, radius * dense, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  context.lineWidth = 0.5 * dense;
  context.strokeStyle = edge;
  context.stroke();
  return context.getImageData(0, 0, side, side);
}

/** Lays a dot over an image, with its upper left corner at a pixel; what lies outside is left out. */
function mix({ data, width, height }, dot, x, y, alpha) {
  const [from, to] = [Math.max(0, -x), Math.min(dot.width, width - x)];
  const strength = Math.round(256 * alpha);
  for (let row = Math.max(0, -y); row < Math.min(dot.height, height - y); row += 1) {
    let source = 4 * (row * dot.width + from);
    let target = 4 * ((y + row) * width + x + from);
    for (let column = from; column < to; column += 1, source += 4, target += 4) {
      const share = (dot.data[source + 3] * strength) >> 8;
      if (!share) continue;
      data[target] += ((dot.data[source] - data[target]) * share) / 255;
      data[target + 1] += ((dot.data[source + 1] - data[target + 1]) * share) / 255;
      data[target + 2] += ((dot.data[source + 2] - data[target + 2]) * share) / 255;
    }
  }
}
