/** The map in the page: its colours and sizes, its tools, the card of a point, and which points are lit. */

import { Latest, json, path } from "./api.js";
import { Known, card } from "./card.js";
import { coloured, onGround } from "./colours.js";
import { byId, data, element, settled } from "./dom.js";
import { add } from "./filters.js";
import { PointMap } from "./map.js";
import { watched } from "./progress.js";
import { placeOf, showBeside } from "./tip.js";
import { addTools } from "./tools.js";
import { count, counted } from "./words.js";

/** Where a view's map is asked for. */
export function mapAddress(run, { color, by }) {
  return `${path("runs", run, "map")}?${new URLSearchParams({ color, ...(by && { size: by }) })}`;
}

/** Says why there is no map. @param {Error|object} why what came in its place */
export function mapMissing(why) {
  byId("map-part").replaceChildren(element("h2", { class: "small" }, "Map"), element("p", { class: "notice" },
    why instanceof Error ? why.message : "No question of this run has a place on the map."));
  return null;
}

export class Mapping {
  #latest = new Latest();
  #over = -1;

  constructor(store, run, points) {
    Object.assign(this, { store, run, points, known: new Known(run), tip: byId("tip"), picked: byId("picked") });
    this.palette = JSON.parse(byId("main").dataset.palette);
    this.map = new PointMap(byId("map"), points, {
      moved: settled((view) => store.change({ view }, true), 150),
      lassoed: (lasso) => store.change({ lasso }),
      hovered: (at, event, cross) => this.#hover(at, event, cross),
      picked: (at) => this.#pick(at),
      said: (text) => { byId("map-said").textContent = text; },
    });
    this.#look(points);
    addTools(byId("map"), this.map);
    onGround(() => this.#legend());
    const drawn = points.ids.length;
    const part = points.total > drawn ? ` ${counted(drawn, "point")} of ${count(points.total)} are drawn.` : "";
    const alike = "what lies close together is alike to the model.";
    byId("map-note").textContent = `${points.method.toUpperCase()}: ${alike}${part}`;
  }

  /** The lasso, and 1 for each point that is selected; null where all are. */
  light(lit, polygon) {
    this.map.polygon = polygon;
    this.map.lit = lit;
  }

  async show(view, changed) {
    if (changed.has("view") && JSON.stringify(this.map.view) !== JSON.stringify(view.view)) this.map.view = view.view;
    if (!changed.has("color") && !changed.has("by")) return;
    const found = await watched(byId("map-state"), "Colouring",
      () => this.#latest.run((signal) => json(mapAddress(this.run, view), { signal })));
    if (found) this.#look(found);
  }

  #look({ color, size }) {
    this.color = color.column;
    this.look = coloured(color, this.palette);
    this.map.look = this.look;
    this.map.values = size ? size.values : null;
    this.#legend();
  }

  #legend() {
    const colours = this.look.colours();
    byId("legend").replaceChildren(...this.look.legend.map(({ label, count: points, code, value }) => {
      const swatch = element("span", { class: "swatch", "aria-hidden": "true" });
      swatch.style.setProperty("--hue", colours[code]);
      const words = [swatch, data(label, 40), " ", element("span", { class: "count" }, count(points))];
      const only = () => add(this.store, { column: this.color, comparison: "=", value });
      return element("li", {}, value === null ? words
        : element("button", { type: "button", title: "Show only these", onclick: only }, words));
    }));
  }

  /** Shows a point's question beside the pointer, or beside the cross of the keyboard, which is read out. */
  async #hover(at, event, cross) {
    const again = at === this.#over;
    this.#over = at;
    byId("map").toggleAttribute("data-over", at >= 0);
    if (at < 0) this.tip.hidden = true;
    else {
      const row = await this.known.row(this.points.ids[at]).catch(() => null); // a tip that fails is none
      if (this.#over !== at || !row) return;
      if (!again) this.tip.replaceChildren(...card(row));
      showBeside(this.tip, event ?? placeOf(byId("map"), cross));
      if (cross && !again) byId("map-said").textContent = row.question;
    }
  }

  async #pick(at) {
    this.#hover(-1);
    if (at < 0) { this.picked.replaceChildren(); return; }
    const row = await watched(byId("map-state"), "Reading", () => this.known.row(this.points.ids[at]));
    if (row && this.map.pinned === at) this.picked.replaceChildren(...card(row, this.run));
  }
}
