/** Clusters, slices and labels that look wrong: lists found beforehand, each of which selects its questions. */

import { json, path } from "./api.js";
import { byId, data, element } from "./dom.js";
import { add } from "./filters.js";
import { failed, watched } from "./progress.js";
import { count, number, percent, NONE } from "./words.js";

const MOST_LABELS = 50;

/** @returns {(part: string) => void} shows one of the lists, which is fetched when it is first wanted */
export function groupLists(store, run) {
  const made = new Set();
  const lists = { clusters: () => clusters(store, run), slices: () => slices(store, run), labels: () => labels(run) };
  return (part) => {
    if (!(part in lists) || made.has(part)) return;
    made.add(part);
    watched(byId(`${part}-state`), "Reading", lists[part]);
  };
}

async function rowsOf(run, part, query = "") {
  return (await json(path("runs", run, part) + query)).rows;
}

function filled(part, rows, cells) {
  if (!rows.length) byId(`${part}-state`).after(element("p", { class: "notice" }, "There is nothing to show here."));
  byId(`${part}-rows`).replaceChildren(...rows.map((row, at) => element("tr", {}, cells(row, at))));
}

async function clusters(store, run) {
  filled("clusters", await rowsOf(run, "clusters"), (row) => {
    const select = () => add(store, { column: "cluster", comparison: "=", value: String(row.cluster) });
    return [
      element("th", { scope: "row" }, element("button", { type: "button", class: "linklike", onclick: select },
        row.cluster < 0 ? "noise" : `Cluster ${row.cluster}`)),
      text("words", (row.terms ?? []).join(", ")),
      text("why", row.reason),
      figure("questions", count(row.size)), figure("mean loss", number(row.loss)), figure("wrong", percent(row.errors)),
    ];
  });
}

async function slices(store, run) {
  filled("slices", await rowsOf(run, "slices"), (row, at) => {
    const select = async () => {
      const { filters } = await json(path("runs", run, "slices", String(at)));
      store.change({ filters: filters.map((one) => ({ ...one, value: Array.isArray(one.value) ? one.value.map(String)
        : one.value === undefined || one.value === null ? undefined : String(one.value) })), search: "", lasso: [] });
    };
    const pressed = () => select().catch((error) => byId("slices-state").replaceChildren(failed(error)));
    return [
      element("th", { scope: "row" }, element("button", { type: "button", class: "linklike", onclick: pressed },
        data(row.slice.replaceAll("_", " ")))),
      figure("questions", count(row.size)), figure("wrong", percent(row.error)),
      figure("elsewhere", percent(row.rest_error)), figure("mean loss", number(row.loss)),
      figure("p, corrected", row.p_adjusted < 0.001 ? "< 0.001" : number(row.p_adjusted, 3)),
    ];
  });
}

async function labels(run) {
  filled("labels", await rowsOf(run, "labels", `?size=${MOST_LABELS}`), (row) => [
    element("th", { scope: "row" },
      element("a", { href: path("explore", run, "questions", row.id) }, data(row.question, 200))),
    text("gold", row.gold), text("answer", row.prediction || "no answer"), text("why", row.reason),
    figure("rank", count(row.rank)),
  ]);
}

function text(label, value) {
  return element("td", { "data-label": label }, value ? data(value, 400) : NONE);
}

function figure(label, value) {
  return element("td", { "data-label": label, class: "number" }, value);
}
