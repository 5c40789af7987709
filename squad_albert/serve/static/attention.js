/** Who attends to whom: question words by context words, in the layer and head that are chosen, or on average. */

import { Latest } from "./api.js";
import { byId, data, element } from "./dom.js";
import { watched } from "./progress.js";
import { percent } from "./words.js";

/**
 * Wires the attention view of a page.
 * @param {(layer: string, head: string, signal: AbortSignal) => Promise<object>} attend "" means all layers or heads
 * @returns {() => Promise<void>} shows what is chosen
 */
export function attentionView(attend) {
  const [layer, head, place, table] = ["attention-layer", "attention-head", "attention-state", "attention"].map(byId);
  const latest = new Latest();
  const show = () => watched(place, "Reading the model's attention", async () => {
    const found = await latest.run((signal) => attend(layer.value, head.value, signal));
    if (!found) return;
    choices(layer, found.layers);
    choices(head, found.heads);
    byId("attention-main").replaceChildren(...sentence(found));
    fill(table, found);
    table.hidden = false;
    table.dataset.shown = `${found.layer ?? ""}.${found.head ?? ""}`;
  });
  layer.addEventListener("change", show);
  head.addEventListener("change", show);
  return show;
}

function choices(chooser, count) {
  for (let number = chooser.options.length; number <= count; number += 1) chooser.append(element("option", {}, number));
}

/** The strongest pair of words. */
function sentence({ main }) {
  if (!main.length) return [];
  const strongest = main.reduce((one, other) => (other.weight > one.weight ? other : one));
  const [asks, asked] = [strongest.question_word, strongest.context_word].map((word) => data(word, 40));
  return ["The strongest tie: “", asks, "” attends to “", asked, `” with ${percent(strongest.weight)}.`];
}

function fill(table, { question_words: rows, context_words: columns, weights }) {
  const most = Math.max(...weights.flat()) || 1;
  const head = element("tr", {}, element("td"), columns.map(column));
  const body = rows.map((word, row) => element("tr", {}, element("th", { scope: "row" }, data(word.text, 24)),
    columns.map((_, at) => cell(weights[row][at], most))));
  table.replaceChildren(table.caption, element("thead", {}, head), element("tbody", {}, body));
}

function column({ text, in_answer: own }) {
  return element("th", { scope: "col", class: own ? "own" : null }, data(text, 24),
    own && element("span", { class: "unseen" }, ", of the answer"));
}

function cell(weight, most) {
  const told = element("span", { class: "unseen" }, (100 * weight).toFixed(1));
  const made = element("td", { title: percent(weight) }, told);
  made.style.setProperty("--weight", (weight / most).toFixed(3));
  return made;
}
