/** The table of the selected questions: a page of it at a time, sorted by the server. */

import { path } from "./api.js";
import { byId, data, element } from "./dom.js";
import { count, named, NONE, number } from "./words.js";

const USUAL = ["question", "golds", "prediction", "outcome", "loss", "split"];
const TITLES = { golds: "gold", prediction: "answer" };
const LONGEST = 220;

/** The columns of the table: the usual ones, and those that the view is about. */
export function shown(view, columns) {
  const about = [...view.filters, ...view.sort].map(({ column }) => column);
  const wanted = new Set([...USUAL, ...about, view.color, view.by]);
  return [...wanted].filter((name) => columns.has(name) && name !== "context" && name !== "id");
}

/** Fills the table's head: a button for each column that can be sorted by. */
export function fillHead(store, columns) {
  const names = shown(store.view, columns);
  byId("table-head").replaceChildren(...names.map((name) => head(store, name, columns)));
}

function head(store, name, columns) {
  const kind = columns.get(name)?.type;
  const attributes = { scope: "col", class: kind === "number" ? "number" : null };
  if (!kind) return element("th", attributes, TITLES[name] ?? named(name));
  const sorted = store.view.sort.find(({ column }) => column === name);
  const state = !sorted ? null : sorted.descending ? "descending" : "ascending";
  const next = !sorted ? [{ column: name, descending: kind === "number" }]
    : sorted.descending === (kind === "number") ? [{ column: name, descending: !sorted.descending }] : [];
  const onclick = () => store.change({ sort: next });
  const sign = { ascending: "↑", descending: "↓" }[state] ?? "↕";
  const arrow = element("span", { class: "arrow", "aria-hidden": "true" }, sign);
  return element("th", { ...attributes, "aria-sort": state },
    element("button", { type: "button", class: "sort", "data-column": name, onclick },
      TITLES[name] ?? named(name), " ", arrow));
}

/** Fills the table with a page of questions. */
export function fillRows(store, columns, run, { total, page, size, rows }) {
  const names = shown(store.view, columns);
  const filled = (row) => element("tr", {}, names.map((name) => cell(run, name, row, columns)));
  byId("table-rows").replaceChildren(...rows.map(filled));
  const pages = Math.max(1, Math.ceil(total / size));
  byId("table-page").textContent = total ? `Page ${count(page)} of ${count(pages)}` : "No question is selected.";
  const [back, on] = ["table-back", "table-on"].map(byId);
  back.disabled = page <= 1;
  on.disabled = page >= pages;
}

function cell(run, name, row, columns) {
  const value = row[name];
  const kind = columns.get(name)?.type;
  const label = { "data-label": TITLES[name] ?? named(name) };
  if (name === "question") {
    const address = path("explore", run, "questions", row.id);
    return element("th", { scope: "row" }, element("a", { href: address }, data(value || "(empty)", LONGEST)));
  }
  if (name === "golds") return element("td", label, row.labeled === false ? "not labeled" : golds(value));
  if (name === "prediction") return element("td", label, value ? data(value, LONGEST) : element("i", {}, "no answer"));
  if (name === "outcome") return element("td", label, outcome(value));
  if (kind === "category") return element("td", label, value === null || value < 0 ? "none" : String(value));
  if (kind === "number") return element("td", { ...label, class: "number" }, number(value));
  return element("td", label, value === null || value === undefined ? NONE : data(value, LONGEST));
}

function golds(all) {
  const different = [...new Set(all ?? [])];
  return different.length ? data(different.join(" | "), LONGEST) : element("i", {}, "no answer");
}

/** What became of a question, as a badge. */
export function outcome(name) {
  return element("span", { class: `outcome ${name.replaceAll(" ", "-")}` }, name);
}
