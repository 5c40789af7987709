/**
 * What the explorer shows, held in the address's query: it can be shared, reloaded, and gone back from.
 * The one place that the page's parts read from and write to.
 */

/** How each comparison is written in the address, in which dots part a filter's column, comparison and value. */
const SHORT = { "=": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge", contains: "has", in: "in",
  empty: "empty" };
const LONG = Object.fromEntries(Object.entries(SHORT).map(([long, short]) => [short, long]));

/** The view of an address without a query. */
export const FIRST = Object.freeze({
  filters: [], search: "", lasso: [], sort: [], page: 1, size: 25, color: "outcome", by: "", histogram: "loss",
  view: null, part: "questions",
});

/** @returns {object} the view that a query names; what it does not understand stays as at first. */
export function parse(query) {
  const given = new URLSearchParams(query);
  const page = Number(given.get("page"));
  const size = Number(given.get("size"));
  return {
    filters: given.getAll("f").map(filter).filter(Boolean),
    search: given.get("q") ?? FIRST.search,
    lasso: pairs(given.get("lasso")),
    sort: (given.get("sort") ?? "").split(",").filter(Boolean).map(
      (name) => ({ column: name.replace(/^-/, ""), descending: name.startsWith("-") })),
    page: Number.isInteger(page) && page > 0 ? page : FIRST.page,
    size: [25, 50, 100].includes(size) ? size : FIRST.size,
    color: given.get("color") ?? FIRST.color,
    by: given.get("by") ?? FIRST.by,
    histogram: given.get("show") ?? FIRST.histogram,
    view: seen(given.get("view")),
    part: given.get("part") ?? FIRST.part,
  };
}

/** @returns {string} the shortest query that `parse` understands as this view, with its question mark */
export function format(view) {
  const query = new URLSearchParams();
  for (const { column, comparison, value } of view.filters) {
    const text = comparison === "in" ? JSON.stringify(value) : String(value);
    query.append("f", `${column}.${SHORT[comparison]}.${text}`);
  }
  if (view.search) query.set("q", view.search);
  if (view.lasso.length) query.set("lasso", view.lasso.map((pair) => pair.join(",")).join("_"));
  if (view.sort.length) {
    query.set("sort", view.sort.map(({ column, descending }) => (descending ? "-" : "") + column).join(","));
  }
  for (const [key, name] of Object.entries({ page: "page", size: "size", color: "color", by: "by", histogram: "show",
    part: "part" })) {
    if (view[key] !== FIRST[key]) query.set(name, view[key]);
  }
  if (view.view) query.set("view", view.view.join(","));
  const text = query.toString().replaceAll("%2C", ",");
  return text ? `?${text}` : "";
}

function filter(text) {
  const [column, short, ...rest] = text.split(".");
  const comparison = LONG[short];
  if (!column || !comparison) return null;
  const value = rest.join(".");
  if (comparison === "empty") return { column, comparison, value: value === "false" ? "false" : "true" };
  if (comparison !== "in") return { column, comparison, value };
  try {
    const values = JSON.parse(value);
    return Array.isArray(values) ? { column, comparison, value: values } : null;
  } catch {
    return null;
  }
}

function pairs(text) {
  const found = (text ?? "").split("_").filter(Boolean).map((pair) => pair.split(",").map(Number));
  return found.length > 2 && found.every((pair) => pair.length === 2 && pair.every(Number.isFinite)) ? found : [];
}

function seen(text) {
  const found = (text ?? "").split(",").map(Number);
  return text && found.length === 3 && found.every(Number.isFinite) && found[2] > 0 ? found : null;
}

/** The view, who is told when it changes, and the address that follows it. */
export class Store {
  #told = [];

  constructor() {
    this.view = parse(location.search);
    addEventListener("popstate", () => this.#tell(parse(location.search)));
  }

  /** `listener(view, changed)` is told which keys changed: after each change, not at first. */
  subscribe(listener) {
    this.#told.push(listener);
  }

  /**
   * Changes part of the view. What the table pages through starts anew when the selection changes.
   * @param {object} part
   * @param {boolean} [passing] whether no step of the history is made of it, as of moving the map
   */
  change(part, passing = false) {
    const anew = ["filters", "search", "lasso", "sort", "size"].some((key) => key in part) && !("page" in part);
    const view = { ...this.view, ...(anew ? { page: 1 } : {}), ...part };
    const address = location.pathname + format(view) + location.hash;
    if (address !== location.pathname + location.search + location.hash) {
      if (passing) history.replaceState(null, "", address);
      else history.pushState(null, "", address);
    }
    this.#tell(view);
  }

  #tell(view) {
    const before = this.view;
    this.view = view;
    const differs = (key) => JSON.stringify(view[key]) !== JSON.stringify(before[key]);
    const changed = new Set(Object.keys(view).filter(differs));
    if (changed.size) for (const listener of this.#told) listener(view, changed);
  }
}
