/** A question and its context with each token coloured by how it moves the loss, by the method that is chosen. */

import { Latest } from "./api.js";
import { byId, element, visible } from "./dom.js";
import { watched } from "./progress.js";
import { Characters } from "./texts.js";
import { number } from "./words.js";

const SEGMENTS = { question: "Question", context: "Text" };

/**
 * Wires the heat map of a page.
 * @param {(method: string, signal: AbortSignal) => Promise<object>} explain
 * @param {{question: string, context: string}} texts that the tokens' characters are of; may be replaced
 * @param {(found: object) => void} [then] is told of each explanation
 * @returns {() => Promise<void>} shows the method that is chosen
 */
export function heatMap(explain, texts, then = () => {}) {
  const [chooser, place, box, note] = ["heat-method", "heat-state", "heat", "heat-note"].map(byId);
  const latest = new Latest();
  const show = () => watched(place, "Explaining", async () => {
    const found = await latest.run((signal) => explain(chooser.value, signal));
    if (!found) return;
    box.replaceChildren(...coloured(found, texts));
    box.hidden = false;
    box.dataset.method = found.method;
    note.textContent = noted(found);
    then(found);
  });
  chooser.addEventListener("change", show);
  return show;
}

function noted({ target, loss, window, windows }) {
  const whose = { gold: "the label", "no answer": "“no answer”" }[target.kind] ?? "the answer given";
  const part = windows > 1 ? ` The model reads the text in ${windows} windows; this is number ${window}.` : "";
  return `Loss of ${whose}: ${number(loss)}.${part}`;
}

function coloured({ tokens }, texts) {
  const most = Math.max(...tokens.map(({ score }) => Math.abs(score))) || 1;
  return Object.entries(SEGMENTS).flatMap(([segment, title]) => {
    const own = tokens.filter((token) => token.segment === segment && token.end > token.start);
    const text = new Characters(texts[segment]);
    return own.length ? [element("h3", {}, title), element("p", { dir: "auto" }, pieces(own, text, most))] : [];
  });
}

/** The text in pieces: tokens in colours, and what lies between them. */
function pieces(tokens, text, most) {
  const made = [];
  let place = tokens[0].start;
  if (place) made.push("… ");
  for (const { start, end, score } of tokens) {
    if (start > place) made.push(visible(text.slice(place, start)));
    if (end > place) made.push(piece(visible(text.slice(Math.max(start, place), end)), score, most));
    place = Math.max(place, end);
  }
  if (place < text.length) made.push(text.slice(place, text.length).trim() ? " …" : "");
  return made;
}

function piece(text, score, most) {
  const told = `${score > 0 ? "+" : "−"}${Math.abs(score).toPrecision(2)}`;
  const mark = element("mark", { class: score > 0 ? "raises" : "lowers", title: told }, text);
  mark.style.setProperty("--weight", (Math.abs(score) / most).toFixed(3));
  return mark;
}

/**
 * The question's words by how much they matter, the most first.
 * @param {object} found an explanation
 * @param {string} question
 * @returns {{word: string, score: number}[]}
 */
export function wordsThatMatter({ tokens }, question) {
  const text = new Characters(question);
  const words = new Map();
  for (const { segment, start, end, score } of tokens) {
    if (segment !== "question" || end <= start) continue;
    const [from, to] = wordAround(text, start);
    const key = `${from}-${to}`;
    const known = words.get(key) ?? { word: text.slice(from, to).replace(/[?!.,;:]+$/, ""), score: 0 };
    words.set(key, { ...known, score: known.score + score });
  }
  const known = [...words.values()].filter(({ word }) => word);
  return known.sort((one, other) => Math.abs(other.score) - Math.abs(one.score));
}

function wordAround(text, place) {
  const blank = (at) => !text.slice(at, at + 1).trim();
  let [from, to] = [place, place];
  while (blank(from) && from < text.length - 1) from += 1;
  while (from > 0 && !blank(from - 1)) from -= 1;
  to = Math.max(to, from);
  while (to < text.length && !blank(to)) to += 1;
  return [from, to];
}
