/** The explorer: reads the run, then wires its parts to the store that holds the view. */

import { json, path } from "./api.js";
import { byId, element, settled } from "./dom.js";
import { exportMenu } from "./export.js";
import { filterForm } from "./filters.js";
import { groupLists } from "./groups.js";
import { Mapping, mapAddress, mapMissing } from "./mapping.js";
import { failed } from "./progress.js";
import { Selected } from "./selected.js";
import { Selection } from "./selection.js";
import { FIRST, Store } from "./state.js";
import { tabs } from "./tabs.js";
import { named } from "./words.js";

/** Columns whose values make no groups to colour or to count. */
const LONG_TEXTS = ["id", "question", "context", "golds", "best_span", "suspicion_reason"];

const main = byId("main");
const { run } = main.dataset;
const store = new Store();

start().catch((error) => main.prepend(failed(error)));

/** Summary and map are asked for side by side: the first view waits for the slower, not for both. */
async function start() {
  const points = json(mapAddress(run, store.view)).catch((error) => error);
  const [summary, map] = await Promise.all([json(path("runs", run)), points]);
  const drawn = map.ids?.length ? map : null;
  const selection = new Selection(run, summary.columns, drawn);
  fillChoosers(summary.columns);
  filterForm(store, summary.columns.filter(({ name }) => name !== "id"));
  listen();
  exportMenu(run, () => selection.body(store.view));
  const mapping = drawn ? new Mapping(store, run, drawn) : mapMissing(map);
  const selected = new Selected(store, selection, mapping);
  const lists = groupLists(store, run);
  tabs(byId("parts"), (part) => store.change({ part }), lists);

  const show = (view, changed) => {
    sessionStorage.setItem(`view of ${run}`, location.search);
    reflect(view);
    mapping?.show(view, changed);
    selected.show(view, changed);
  };
  store.subscribe(show);
  show(store.view, new Set(Object.keys(FIRST).filter((key) => key !== "color" && key !== "by")));
}

function fillChoosers(columns) {
  const coloured = columns.filter(({ name }) => !LONG_TEXTS.includes(name));
  const grouped = coloured.filter(({ type, categories }) => type !== "text" || categories);
  fill("map-color", coloured);
  fill("map-by", columns.filter(({ type }) => type === "number"), "alike");
  fill("histogram-column", grouped);
  fill("table-sort", columns, "the run's order");
}

function fill(id, columns, none = null) {
  const options = columns.map(({ name }) => element("option", { value: name }, named(name)));
  byId(id).replaceChildren(...(none ? [element("option", { value: "" }, none)] : []), ...options);
}

/** What people change by hand, told to the store. */
function listen() {
  for (const [id, key] of [["map-color", "color"], ["map-by", "by"], ["histogram-column", "histogram"]]) {
    byId(id).addEventListener("change", (event) => store.change({ [key]: event.target.value }));
  }
  const [sort, order, size, search] = ["table-sort", "table-order", "table-size", "search-text"].map(byId);
  const by = () => ({ column: sort.value, descending: order.value === "descending" });
  const sorted = () => store.change({ sort: sort.value ? [by()] : [] });
  sort.addEventListener("change", sorted);
  order.addEventListener("change", sorted);
  size.addEventListener("change", () => store.change({ size: Number(size.value) }));
  byId("table-back").addEventListener("click", () => store.change({ page: store.view.page - 1 }));
  byId("table-on").addEventListener("click", () => store.change({ page: store.view.page + 1 }));
  const find = () => store.change({ search: search.value.trim() });
  search.addEventListener("input", settled(find, 250));
  byId("search").addEventListener("submit", (event) => { event.preventDefault(); find(); });
}

/** The controls show what the view is, also after going back. */
function reflect(view) {
  const [sort] = view.sort;
  const shown = {
    "search-text": view.search, "map-color": view.color, "map-by": view.by, "histogram-column": view.histogram,
    "table-sort": sort?.column ?? "", "table-order": sort?.descending ? "descending" : "ascending",
    "table-size": String(view.size),
  };
  for (const [id, value] of Object.entries(shown)) {
    const control = document.getElementById(id); // a run without a map has no controls of one
    const typing = control === document.activeElement && control.type === "search";
    if (control && control.value !== value && !typing) control.value = value;
  }
  byId("parts").dispatchEvent(new CustomEvent("part", { detail: view.part }));
}
