/** What a view selects: its conditions, figures, table, and which points are lit. */

import { Latest } from "./api.js";
import { byId, data, element } from "./dom.js";
import { fillFigures, fillHistogram } from "./figures.js";
import { failed, watched } from "./progress.js";
import { format } from "./state.js";
import { fillHead, fillRows, shown } from "./table.js";
import { count, counted } from "./words.js";

export class Selected {
  #figures = new Latest();
  #questions = new Latest();
  #matched = new Latest();

  /** @param {Store} store @param {Selection} selection @param {Mapping|null} mapping */
  constructor(store, selection, mapping) {
    Object.assign(this, { store, selection, mapping });
  }

  show(view, changed) {
    const has = (...keys) => keys.some((key) => changed.has(key));
    const other = has("filters", "search", "lasso");
    if (other) {
      this.#conditions(view);
      this.#light(view).catch((error) => byId("map-state").replaceChildren(failed(error)));
    }
    if (other || has("histogram")) watched(byId("figures-state"), "Counting", () => this.#count(view));
    const listed = other || has("sort", "page", "size", "color", "by");
    if (listed) watched(byId("table-state"), "Reading", () => this.#list(view));
  }

  /** A lasso lights its points at once; what else is asked for only the server knows. */
  async #light(view) {
    if (!this.mapping) return;
    this.mapping.light(this.selection.lit(view), view.lasso);
    const lit = await this.#matched.run((signal) => this.selection.matched(view, signal));
    if (lit !== undefined) this.mapping.light(lit, view.lasso);
  }

  async #count(view) {
    const found = await this.#figures.run((signal) => this.selection.figures(view, this.#histogram(view), signal));
    if (!found) return;
    const some = this.selection.some(view);
    fillFigures(found, some);
    fillHistogram(found.histogram, some);
    const all = counted(found.selection.questions + found.rest.questions, "question");
    byId("said").textContent = some ? `${count(found.selection.questions)} of ${all} selected` : `All ${all}`;
    byId("main").dataset.counted = format(view); // for which view the figures are
  }

  async #list(view) {
    const { columns, run } = this.selection;
    const wanted = ["id", "labeled", ...shown(view, columns)].filter((name) => columns.has(name));
    const found = await this.#questions.run((signal) => this.selection.questions(view, [...new Set(wanted)], signal));
    if (!found) return;
    fillHead(this.store, columns);
    fillRows(this.store, columns, run, found);
    byId("main").dataset.listed = format(view);
  }

  /** The column of the histogram; a run without a model has no loss. */
  #histogram(view) {
    return this.selection.columns.has(view.histogram) ? view.histogram : "outcome";
  }

  #conditions(view) {
    const conditions = this.selection.conditions(view);
    const chip = ({ label, without }) => element("li", {},
      element("button", { type: "button", class: "chip", onclick: () => this.store.change(without) }, data(label, 80),
        element("span", { "aria-hidden": "true" }, " ×"), element("span", { class: "unseen" }, ", take away")));
    const none = () => this.store.change({ filters: [], search: "", lasso: [] });
    const clear = element("button", { type: "button", class: "linklike", onclick: none }, "Take all away");
    const more = conditions.length > 1 ? [element("li", {}, clear)] : [];
    byId("chips").replaceChildren(...conditions.map(chip), ...more);
  }
}
