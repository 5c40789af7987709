/** The page of one question: loss by token, attention, similar questions and the verdict. */

import { json, path } from "./api.js";
import { attentionView } from "./attention.js";
import { byId, data, element } from "./dom.js";
import { heatMap } from "./heat.js";
import { watched } from "./progress.js";
import { wireVerdict } from "./verdict.js";
import { number } from "./words.js";

const SIMILAR = 8;

const { run } = byId("main").dataset;
const id = JSON.parse(byId("main").dataset.id); // as JSON, since HTML turns a carriage return into a newline
const own = (...parts) => path("runs", run, "questions", id, ...parts);
const texts = { question: "", context: "" };

const explain = heatMap((method, signal) => json(`${own("explanation")}?${new URLSearchParams({ method })}`, { signal })
  .then((found) => Object.assign(texts, { question: found.question, context: found.context }) && found), texts);
const attend = attentionView((layer, head, signal) => {
  const query = new URLSearchParams({ ...(layer && { layer }), ...(head && { head }) });
  return json(`${own("attention")}?${query}`, { signal });
});

wireVerdict(own("verdict"));
backToTheView();
similar();
explain();
attend();

/** Back is to the view of the explorer that one came from. */
function backToTheView() {
  const query = sessionStorage.getItem(`view of ${run}`);
  if (query) byId("back").href = path("explore", run) + query;
}

function similar() {
  return watched(byId("similar-state"), "Comparing", async () => {
    const { similar: found } = await json(`${own("similar")}?k=${SIMILAR}`);
    byId("similar").replaceChildren(...found.map((one) => element("li", {},
      element("p", { class: "asked" },
        element("a", { href: path("explore", run, "questions", one.id) }, data(one.question, 200))),
      element("p", { class: "facts" }, element("span", {}, "answer ", data(one.prediction || "no answer", 80)),
        element("span", {}, data(one.title, 60)), element("span", {}, `similarity ${number(one.similarity)}`)))));
  });
}
