/** Where the map looks: a centre in the data's coordinates and how many pixels a unit of them takes. */

const ROOM = 0.06; // of the window, left around all points
const FARTHEST = 0.5; // of the scale at which all points fit
const NEAREST = 400;

export class Camera {
  width = 1;
  height = 1;
  x = 0;
  y = 0;
  scale = 1;

  /** @param {Float64Array} xs @param {Float64Array} ys all points */
  constructor(xs, ys) {
    this.box = [extent(xs), extent(ys)];
  }

  /** Sees all points. */
  fit() {
    const [[left, right], [low, high]] = this.box;
    this.x = (left + right) / 2;
    this.y = (low + high) / 2;
    this.scale = this.#fitting();
  }

  /** The window got another size; what was in its middle stays there. */
  resize(width, height) {
    const share = this.scale / this.#fitting();
    this.width = width;
    this.height = height;
    this.scale = share * this.#fitting();
  }

  /** Zooms by a factor so that the place under the pixel stays where it is. */
  zoom(factor, pixelX = this.width / 2, pixelY = this.height / 2) {
    const [x, y] = this.place(pixelX, pixelY);
    const fitting = this.#fitting();
    this.scale = Math.min(NEAREST * fitting, Math.max(FARTHEST * fitting, this.scale * factor));
    this.x = x - (pixelX - this.width / 2) / this.scale;
    this.y = y + (pixelY - this.height / 2) / this.scale;
  }

  /** Moves what is seen by pixels. */
  pan(right, down) {
    this.x -= right / this.scale;
    this.y += down / this.scale;
  }

  pixel(x, y) {
    return [(x - this.x) * this.scale + this.width / 2, this.height / 2 - (y - this.y) * this.scale];
  }

  place(pixelX, pixelY) {
    return [this.x + (pixelX - this.width / 2) / this.scale, this.y - (pixelY - this.height / 2) / this.scale];
  }

  /** For the address: the centre and how much nearer than all; null where all is seen. */
  get view() {
    const [[left, right], [low, high]] = this.box;
    const nearer = this.scale / this.#fitting();
    const off = Math.abs(this.x - (left + right) / 2) + Math.abs(this.y - (low + high) / 2);
    if (Math.abs(nearer - 1) < 0.005 && off * this.scale < 2) return null;
    return [this.x, this.y, nearer].map((value) => Number(value.toPrecision(4)));
  }

  set view(view) {
    this.fit();
    if (!view) return;
    [this.x, this.y] = view;
    this.scale = this.#fitting() * Math.min(NEAREST, Math.max(FARTHEST, view[2]));
  }

  #fitting() {
    const [[left, right], [low, high]] = this.box;
    const room = 1 - 2 * ROOM;
    return Math.min((this.width * room) / (right - left), (this.height * room) / (high - low));
  }
}

function extent(values) {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < least) least = value;
    if (value > most) most = value;
  }
  if (!(most >= least)) return [0, 1];
  return most > least ? [least, most] : [least - 0.5, most + 0.5];
}
