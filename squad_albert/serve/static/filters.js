/** The form that adds a filter: a column, a comparison that fits its type, and a value. */

import { byId, element } from "./dom.js";
import { named } from "./words.js";

const EMPTY = [["is empty", "empty", "true"], ["is not empty", "empty", "false"]];
const EQUAL = [["is", "="], ["is not", "!="]];

/** What can be asked of a column of each type, the usual one first: words, comparison, and the value if it is fixed. */
const ASKED = {
  text: [...EQUAL, ["contains", "contains"], ["is one of (with commas)", "in"], ...EMPTY],
  number: [["at least", ">="], ["above", ">"], ["at most", "<="], ["below", "<"], ...EQUAL, ...EMPTY],
  category: [...EQUAL, ["is one of (with commas)", "in"], ...EMPTY],
  boolean: [["is true", "=", "true"], ["is false", "=", "false"], ...EMPTY],
};

export function filterForm(store, columns) {
  const [form, column, comparison, value, choices] = ["filter", "filter-column", "filter-comparison", "filter-value",
    "filter-choices"].map(byId);
  column.replaceChildren(...columns.map(({ name }) => element("option", { value: name }, named(name))));
  column.value = columns.some(({ name }) => name === "loss") ? "loss" : columns[0].name;
  const chosen = () => columns.find(({ name }) => name === column.value);

  const asked = () => ASKED[chosen().type][comparison.selectedIndex];

  function fit() {
    const { type, categories } = chosen();
    comparison.replaceChildren(...ASKED[type].map(([words]) => element("option", {}, words)));
    value.type = type === "number" ? "number" : "text"; // of categories there may be several, with commas
    value.value = "";
    choices.replaceChildren(...(categories ?? []).map((one) => element("option", { value: one })));
    need();
  }

  function need() {
    value.disabled = asked()[2] !== undefined;
  }

  column.addEventListener("change", fit);
  comparison.addEventListener("change", need);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const [, how, fixed] = asked();
    const given = how === "in" ? value.value.split(",").map((one) => one.trim()).filter(Boolean) : value.value;
    add(store, { column: column.value, comparison: how, value: fixed ?? given });
    value.value = "";
  });
  fit();
}

/** Comparisons of which a column may fulfil several: not to be this, and not to be that. */
const TOGETHER = ["!=", "contains"];

/** Adds a filter, unless it is there; one that the new one contradicts gives way. */
export function add(store, filter) {
  const alike = (other) => other.column === filter.column && other.comparison === filter.comparison
    && (!TOGETHER.includes(filter.comparison) || other.value === filter.value);
  store.change({ filters: [...store.view.filters.filter((other) => !alike(other)), filter] });
}
