/** The first page: a question about a text, its answer, and why. */

import { Latest, json } from "./api.js";
import { attentionView } from "./attention.js";
import { byId, data, drawing, element, visible } from "./dom.js";
import { heatMap, wordsThatMatter } from "./heat.js";
import { watched } from "./progress.js";
import { Characters, stretches } from "./texts.js";
import { probability } from "./words.js";

const ALTERNATIVES = 5;

const [form, question, context] = ["ask", "question", "context"].map(byId);
const asked = { question: "", context: "" }; // what the answers on the page are of, whatever is typed meanwhile
const latest = new Latest();

const explain = heatMap((method, signal) => json("/explain", { body: { ...asked, method }, signal }), asked, tellWords);
const attend = attentionView((layer, head, signal) => json("/attend", { signal, body: {
  ...asked, ...(layer && { layer: Number(layer) }), ...(head && { head: Number(head) }) } }));

form.addEventListener("submit", (event) => { event.preventDefault(); ask(); });
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
for (const example of document.querySelectorAll("[data-question]")) {
  example.addEventListener("click", () => {
    question.value = example.dataset.question;
    context.value = example.dataset.context;
    form.requestSubmit();
  });
}

async function ask() {
  const body = { question: question.value, context: context.value, top_k: ALTERNATIVES };
  form.setAttribute("aria-busy", "true");
  const answer = await watched(byId("answer-state"), "Answering",
    () => latest.run((signal) => json("/predict", { body, signal })));
  form.removeAttribute("aria-busy");
  if (!answer) return;
  Object.assign(asked, { question: body.question, context: body.context });
  showAnswer(answer);
  byId("why").hidden = byId("attended").hidden = false;
  await Promise.all([explain(), attend()]);
}

function showAnswer(found) {
  const told = found.no_answer ? element("i", {}, "no answer") : data(found.answer);
  const facts = [element("span", {}, `probability ${probability(found.probability)}`),
    element("span", {}, `no answer ${probability(found.no_answer_probability)}`)];
  byId("answer").replaceChildren(element("p", { class: "big" }, told), element("p", { class: "facts" }, facts),
    ...unsure(found), element("p", { class: "context", dir: "auto", tabindex: "0" }, marked(found)));
  byId("answer").querySelector("mark")?.scrollIntoView({ block: "nearest" });
  byId("alternatives").hidden = false;
  byId("alternatives-rows").replaceChildren(...found.answers.map((one) => element("tr", {},
    element("td", {}, one.text ? data(one.text, 160) : element("i", {}, "no answer")),
    element("td", { class: "number" }, bar(one.probability), element("span", {}, probability(one.probability))))));
}

/** Where the model is unsure: that it is, and the passage to read oneself. */
function unsure({ unsure: told, passage }) {
  if (!told || !passage) return [];
  return [element("p", { class: "notice" }, "The model is unsure. Look at this passage: ", element("q", {}, data(passage.text, 400)))];
}

/** The text with the answer marked. */
function marked({ no_answer: none, start, end }) {
  const text = new Characters(asked.context);
  return stretches(text, none ? [] : [{ start, end }]).map((one) => (
    one.spans.length ? element("mark", { class: "answer" }, visible(one.text)) : visible(one.text)));
}

function bar(share) {
  return drawing("svg", { class: "bar", viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" },
    drawing("rect", { class: "ground", width: 100, height: 8 }),
    drawing("rect", { class: "share", width: 100 * share, height: 8 }));
}

function tellWords(found) {
  const words = wordsThatMatter(found, asked.question).slice(0, 3);
  byId("why-words").replaceChildren("In the question, what mattered most: ",
    ...words.flatMap(({ word, score }, at) => [at ? ", " : "", "“", data(word, 40), "”",
      score > 0 ? " (against this answer)" : " (for this answer)"]), ".");
}
