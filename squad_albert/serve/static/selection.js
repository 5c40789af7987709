/** The questions that a view selects, in the server's words and in people's. */

import { json, path, request } from "./api.js";
import { inside } from "./polygon.js";
import { counted, named } from "./words.js";

export class Selection {
  #places = null; // id -> place on the map
  #lasso = { polygon: "[]", within: null, ids: null };

  /** @param {string} run @param {{name: string, type: string}[]} columns @param {object|null} map as it was fetched */
  constructor(run, columns, map) {
    this.run = run;
    this.columns = new Map(columns.map((column) => [column.name, column]));
    this.map = map;
  }

  /** Whether a view selects fewer than all. */
  some(view) {
    return Boolean(this.known(view).length || view.search || (this.map && view.lasso.length));
  }

  /** Filters on columns that the run has; an old address may name others. */
  known(view) {
    return view.filters.filter(({ column }) => this.columns.has(column));
  }

  /** What the server is asked for. */
  body(view) {
    const body = { filters: this.known(view).map((filter) => this.#typed(filter)) };
    if (view.search) body.search = view.search;
    if (this.map && view.lasso.length) body.ids = this.#held(view.lasso).ids;
    return body;
  }

  #typed({ column, comparison, value }) {
    if (comparison === "empty") return { column, comparison, value: value === "true" };
    const { type } = this.columns.get(column);
    const typed = { number: Number, category: Number, boolean: (one) => one === "true", text: (one) => one }[type];
    return { column, comparison, value: Array.isArray(value) ? value.map(typed) : typed(value) };
  }

  /** The points in a lasso, and their ids. */
  #held(polygon) {
    const text = JSON.stringify(polygon);
    if (this.#lasso.polygon !== text) {
      const within = inside(polygon, this.map.x, this.map.y);
      this.#lasso = { polygon: text, within, ids: this.map.ids.filter((_, at) => within[at]) };
    }
    return this.#lasso;
  }

  /** How many points a lasso holds. */
  lassoed(view) {
    return this.#held(view.lasso).ids.length;
  }

  /** 1 for each point of the map that a lasso holds; what else the view asks for only the server knows. */
  lit(view) {
    return this.map && view.lasso.length ? this.#held(view.lasso).within : null;
  }

  /** The same for all that the view asks for; null where all points are meant. */
  async matched(view, signal) {
    if (!this.known(view).length && !view.search) return this.lit(view);
    const body = { ...this.body(view), format: "ids" };
    const text = await (await request(path("runs", this.run, "export"), { body, signal })).text();
    this.#places ??= new Map(this.map.ids.map((id, at) => [id, at]));
    const lit = new Uint8Array(this.map.ids.length);
    for (const id of text.split("\n").map(idOf)) if (this.#places.has(id)) lit[this.#places.get(id)] = 1;
    return lit;
  }

  /** Figures of the selection beside the rest, and a histogram of a column. */
  figures(view, column, signal) {
    return json(path("runs", this.run, "selection"), { body: { ...this.body(view), column }, signal });
  }

  questions(view, columns, signal) {
    const { page, size } = view;
    const sort = view.sort.filter((one) => this.columns.has(one.column));
    const body = { ...this.body(view), sort, page, size, columns };
    return json(path("runs", this.run, "questions"), { body, signal });
  }

  /** What is selected by, each with the part of the view that leaves it out. */
  conditions(view) {
    const filters = this.known(view).map((filter) => ({
      label: told(filter), without: { filters: view.filters.filter((other) => other !== filter) } }));
    if (view.search) filters.push({ label: `text has “${view.search}”`, without: { search: "" } });
    if (this.map && view.lasso.length) {
      filters.push({ label: `lasso: ${counted(this.lassoed(view), "point")}`, without: { lasso: [] } });
    }
    return filters;
  }
}

/** Ids that would take several lines are written as JSON. */
function idOf(line) {
  return line.startsWith('"') ? JSON.parse(line) : line;
}

function told({ column, comparison, value }) {
  const name = named(column);
  if (comparison === "empty") return `${name} is ${value === "true" ? "empty" : "not empty"}`;
  const signs = { "<=": "≤", ">=": "≥", "!=": "≠", contains: "has", in: "is one of" };
  return `${name} ${signs[comparison] ?? comparison} ${Array.isArray(value) ? value.join(", ") : value}`;
}
