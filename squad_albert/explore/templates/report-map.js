/** The population map of the report: the explorer's own, over the points that the page holds. */

import { coloured } from "./colours.js";
import { PointMap } from "./map.js";
import { inside } from "./polygon.js";
import { placeOf, showBeside } from "./tip.js";
import { addTools } from "./tools.js";
import { count, counted } from "./words.js";

const byId = (id) => document.getElementById(id);

class ReportMap {
  #lasso = [];
  #only = null; // the code of the legend's colour that stands out
  #over = -1;

  constructor(points) {
    this.points = points;
    this.box = byId("map");
    this.box.addEventListener("drawn", () => { this.box.dataset.drawn = "yes"; });
    this.map = new PointMap(this.box, this.#places(), {
      moved: () => {},
      lassoed: (lasso) => { this.#lasso = lasso; this.#light(); },
      hovered: (at, event, cross) => this.#hover(at, event, cross),
      picked: (at) => this.#pick(at),
      said: (text) => { byId("map-said").textContent = text; },
    });
    this.#look();
    this.#size();
    this.#listen();
  }

  #listen() {
    byId("map-method").addEventListener("change", () => {
      this.#lasso = [];
      this.map.places = this.#places();
      this.#light();
    });
    byId("map-colour").addEventListener("change", () => this.#look());
    byId("map-size").addEventListener("change", () => this.#size());
    document.addEventListener("ground", () => { this.map.look = this.look; this.#legend(); });
    addTools(this.box, this.map, () => this.#all());
  }

  /** Sees all points, none set off. */
  #all() {
    this.#lasso = [];
    this.#only = null;
    this.map.fit();
    this.#light();
  }

  #places() {
    return this.points.maps[byId("map-method").value];
  }

  #look() {
    this.look = coloured(this.points.colours[byId("map-colour").value], this.points.palette);
    this.map.look = this.look;
    this.#only = null;
    this.#legend();
    this.#light();
  }

  #size() {
    this.map.values = byId("map-size").checked ? this.points.size : null;
  }

  /** Sets off the points that are in the lasso and of the colour that was chosen. */
  #light() {
    const held = this.#lasso.length ? inside(this.#lasso, this.map.xs, this.map.ys) : null;
    const stands = (code, at) => Number((held?.[at] ?? 1) && (this.#only === null || code === this.#only));
    const lit = held || this.#only !== null ? Uint8Array.from(this.look.codes, stands) : null;
    this.map.polygon = this.#lasso;
    this.map.lit = lit;
    const shown = lit?.reduce((sum, one) => sum + one, 0);
    byId("map-said").textContent = lit ? `${count(shown)} of ${counted(lit.length, "question")} stand out.` : "";
    for (const button of byId("map-legend").querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.code === String(this.#only)));
    }
  }

  #legend() {
    const colours = this.look.colours();
    byId("map-legend").replaceChildren(...this.look.legend.map(({ label, count: points, code }) => {
      const [item, button, swatch] = ["li", "button", "span"].map((name) => document.createElement(name));
      swatch.className = "swatch";
      swatch.style.background = colours[code];
      button.type = "button";
      button.dataset.code = code;
      button.setAttribute("aria-pressed", String(this.#only === code));
      button.append(swatch, isolated(label), ` ${count(points)}`);
      button.addEventListener("click", () => { this.#only = this.#only === code ? null : code; this.#light(); });
      item.append(button);
      return item;
    }));
  }

  #hover(at, event, cross) {
    const tip = byId("tip");
    this.box.toggleAttribute("data-over", at >= 0);
    if (at < 0) tip.hidden = true;
    else {
      if (at !== this.#over) tip.replaceChildren(...this.#described(at));
      showBeside(tip, event ?? placeOf(this.box, cross));
    }
    this.#over = at;
  }

  #pick(at) {
    this.#hover(-1);
    byId("map-pinned").replaceChildren(...(at < 0 ? [] : this.#described(at)));
  }

  #described(at) {
    const { points } = this;
    const loss = points.loss[at];
    const facts = {
      gold: points.gold[at], answer: points.prediction[at], outcome: points.outcome[at], title: points.title[at],
      id: points.id[at], ...(loss === null ? {} : { loss: loss.toFixed(2) }),
    };
    const asked = document.createElement("p");
    asked.append(isolated(points.question[at]));
    const list = document.createElement("dl");
    for (const [key, value] of Object.entries(facts)) {
      const [term, text] = ["dt", "dd"].map((name) => document.createElement(name));
      term.textContent = key;
      text.append(isolated(value));
      list.append(term, text);
    }
    return [asked, list];
  }
}

/** Text of the data, with a direction of its own. */
function isolated(text) {
  const element = document.createElement("bdi");
  element.textContent = text;
  return element;
}

new ReportMap(JSON.parse(byId("map-data").textContent));
