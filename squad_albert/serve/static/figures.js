/** Figures of the selection beside the rest, and a histogram of both. */

import { byId, data, drawing, element } from "./dom.js";
import { count, named, number, percent } from "./words.js";

const MEASURES = [
  ["questions", "questions", count], ["exact", "exact match", percent], ["f1", "F1", percent],
  ["lenient", "lenient match", percent], ["loss", "mean loss", number],
  ["no_answer", "answered “no answer”", percent], ["confidence", "mean confidence", percent],
];
const [WIDTH, HEIGHT, FOOT] = [360, 150, 22];

export function fillFigures({ selection, rest }, some) {
  byId("figures-rest").hidden = !some;
  byId("figures-own").textContent = some ? "selection" : "all";
  const rows = MEASURES.filter(([key]) => selection[key] !== null || rest[key] !== null); // null: not of this run
  byId("figures").replaceChildren(...rows.map(([key, title, told]) => element("tr", {},
    element("th", { scope: "row" }, title),
    element("td", { class: "number" }, told(selection[key])),
    some && element("td", { class: "number rest" }, told(rest[key])))));
}

/** Bars of the selection over those of the rest, each as shares of their own. */
export function fillHistogram(histogram, some) {
  const [box, table] = ["histogram", "histogram-table"].map(byId);
  const bins = histogram ? labelled(histogram) : [];
  const sums = ["selection", "rest"].map((kind) => bins.reduce((sum, bin) => sum + bin[kind], 0) || 1);
  const shares = bins.map((bin) => ({ ...bin, share: bin.selection / sums[0], other: some ? bin.rest / sums[1] : 0 }));
  box.replaceChildren(...(shares.length ? [drawn(shares, some, histogram)] : [element("p", { class: "note" },
    "There is no number to show.")]));
  table.replaceChildren(...shares.map((bin) => element("tr", {},
    element("th", { scope: "row" }, data(bin.label)),
    element("td", { class: "number" }, `${count(bin.selection)} (${percent(bin.share)})`),
    some && element("td", { class: "number rest" }, `${count(bin.rest)} (${percent(bin.other)})`))));
}

function labelled({ type, edges, categories, selection, rest }) {
  const labels = type === "number" ? edges.slice(0, -1).map((edge, at) => between(edge, edges[at + 1]))
    : categories.map(String);
  return labels.map((label, at) => ({ label, selection: selection[at], rest: rest[at] }));
}

/** Bars of whole numbers begin and end half-way between them. */
function between(from, to) {
  return to - from === 1 && from % 1 ? String(from + 0.5) : `${short(from)} to ${short(to)}`;
}

function short(value) {
  return Number(value.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 4 });
}

function drawn(shares, some, { column, type, edges }) {
  return type === "number" ? upright(shares, some, column, edges) : lying(shares, some, column);
}

function upright(shares, some, column, edges) {
  const most = Math.max(...shares.flatMap(({ share, other }) => [share, other])) || 1;
  const width = WIDTH / shares.length;
  const tall = (share) => (share / most) * (HEIGHT - FOOT - 8);
  const bar = (share, at, name, inset) => drawing("rect", { class: name, x: at * width + inset,
    y: HEIGHT - FOOT - tall(share), width: Math.max(1, width - 2 * inset), height: tall(share) });
  const middle = edges[Math.floor(edges.length / 2)];
  const ends = [[0, "start", edges[0]], [WIDTH / 2, "middle", middle], [WIDTH, "end", edges.at(-1)]];
  return drawing("svg", { ...pictured(HEIGHT), "aria-label": `Histogram of ${named(column)}` },
    some && shares.map(({ other }, at) => bar(other, at, "bar-rest", 0.5)),
    shares.map(({ share }, at) => bar(share, at, "bar-selection", some ? width * 0.22 : 0.5)),
    drawing("line", { class: "axis", x1: 0, x2: WIDTH, y1: HEIGHT - FOOT, y2: HEIGHT - FOOT }),
    ends.map(([x, anchor, edge]) => drawing("text", { x, y: HEIGHT - 6, "text-anchor": anchor }, short(edge))));
}

const MOST_BARS = 10;
const ROW = 34;

function lying(shares, some, column) {
  const larger = (one, another) => another.selection - one.selection || another.other - one.other;
  const top = [...shares].sort(larger).slice(0, MOST_BARS);
  const most = Math.max(...top.flatMap(({ share, other }) => [share, other])) || 1;
  const long = (share) => Math.max(0.5, (share / most) * WIDTH);
  const [down, tall] = some ? [20, 5] : [17, 11]; // the selection's bar lies within that of the rest
  return drawing("svg", { ...pictured(top.length * ROW), "aria-label": `Shares of ${named(column)}` },
    top.flatMap(({ label, share, other }, at) => [
      drawing("text", { x: 0, y: at * ROW + 12 }, cut(label)),
      drawing("text", { x: WIDTH, y: at * ROW + 12, "text-anchor": "end" }, percent(share)),
      some && drawing("rect", { class: "bar-rest", x: 0, y: at * ROW + 17, width: long(other), height: 11 }),
      drawing("rect", { class: "bar-selection", x: 0, y: at * ROW + down, width: long(share), height: tall }),
    ]));
}

function pictured(height) {
  return { viewBox: `0 0 ${WIDTH} ${height}`, role: "img" };
}

function cut(text) {
  return data(text, 40).textContent;
}
