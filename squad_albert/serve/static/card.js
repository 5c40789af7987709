/** What is known of a point: beside the pointer in short, and below the map of the one that was picked. */

import { json, path } from "./api.js";
import { data, element } from "./dom.js";
import { outcome } from "./table.js";
import { number } from "./words.js";

const COLUMNS = ["id", "question", "golds", "prediction", "outcome", "loss", "split", "title", "labeled"];
const LONGEST = 200;

/** Questions by id, each fetched once. */
export class Known {
  #rows = new Map();

  constructor(run) {
    this.run = run;
  }

  /** @returns {Promise<object>} the row of a question */
  row(id) {
    if (!this.#rows.has(id)) {
      const body = { ids: [id], columns: COLUMNS, size: 1 };
      const row = json(path("runs", this.run, "questions"), { body }).then(({ rows }) => rows[0]);
      row.catch(() => this.#rows.delete(id)); // the next one who asks may have more luck
      this.#rows.set(id, row);
    }
    return this.#rows.get(id);
  }
}

/** The few lines about a question; with a link to its page if `run` is given. */
export function card(row, run = null) {
  const golds = [...new Set(row.golds ?? [])].join(" | ");
  const facts = {
    gold: row.labeled === false ? "not labeled" : golds || "no answer",
    answer: row.prediction || "no answer",
    ...(row.loss === null ? {} : { loss: number(row.loss) }),
    split: row.split, title: row.title,
  };
  const address = run && path("explore", run, "questions", row.id);
  const asked = data(row.question || "(empty)", LONGEST);
  return [
    element("p", { class: "asked" }, run ? element("a", { href: address }, asked) : asked, " ", outcome(row.outcome)),
    element("dl", {}, Object.entries(facts).map(([key, value]) => element("div", {}, element("dt", {}, key),
      element("dd", {}, data(value, LONGEST))))),
  ];
}
