/** What a person decides about a label: saved as soon as it is said, and never over what somebody else has said. */

import { Failure, json } from "./api.js";
import { byId, data, element, settled } from "./dom.js";
import { failed } from "./progress.js";
import { Characters } from "./texts.js";

const TYPING = 600; // milliseconds without a key until what was typed is saved

/** @param {string} address of the verdict on the page's question */
export function wireVerdict(address) {
  const [form, fix, answer, none, note, state] = ["verdict", "fix", "verdict-answer", "verdict-none", "verdict-note",
    "verdict-state"].map(byId);
  let revision = form.dataset.revision || null;
  let place = answer.dataset.start === "" ? null : Number(answer.dataset.start); // of an answer taken from the text
  let saving = Promise.resolve();

  const kind = () => form.elements.verdict.value;
  const say = (...words) => state.replaceChildren(element("p", { class: "said" }, words));

  function decided() {
    const said = { verdict: kind(), note: note.value };
    if (kind() !== "fix") return said;
    if (none.checked) return { ...said, answer: "" };
    return { ...said, answer: answer.value, ...(place !== null && { start: place }) };
  }

  function fit() {
    fix.hidden = kind() !== "fix";
    answer.disabled = none.checked;
  }

  /** One after the other, each with the revision that the one before left. */
  function save() {
    saving = saving.then(async () => {
      const body = decided();
      const open = body.verdict === "fix" && !none.checked && !answer.value.trim();
      if (open) say("Say what the right answer is.");
      else await put(body);
    });
    return saving;
  }

  async function put(body) {
    say("Saving…");
    try {
      const saved = await json(address, { method: "PUT", body: revision ? { ...body, revision } : body });
      revision = saved.revision;
      say(body.verdict ? "Saved." : "Saved: undecided.");
    } catch (error) {
      if (error instanceof Failure && error.body.present) conflict(error.body.present, body);
      else state.replaceChildren(failed(error));
    }
  }

  /** Two people decide which of two verdicts holds, not the one who came last. */
  function conflict(present, mine) {
    const button = (label, onclick) => element("button", { type: "button", onclick }, label);
    const keep = button("Keep theirs", () => { take(present); say("Theirs is kept."); });
    const replace = button("Save mine", () => { revision = present.revision; put(mine); });
    const told = [present.answer, present.note].filter(Boolean);
    state.replaceChildren(element("p", { class: "failure", role: "alert" }, "Somebody else has decided meanwhile: ",
      element("b", {}, present.verdict || "undecided"), ".", told.flatMap((text) => [" “", data(text, 200), "”"])),
    element("p", { class: "actions" }, keep, " ", replace));
  }

  function take(present) {
    revision = present.revision;
    form.elements.verdict.value = present.verdict;
    answer.value = present.answer ?? "";
    none.checked = present.answer === "";
    note.value = present.note;
    place = present.start;
    fit();
  }

  function takeSelection() {
    const found = selected(byId("context"));
    if (!found) { say("Select the right words in the text first."); return; }
    answer.value = found.text;
    place = found.start;
    none.checked = false;
    fit();
    save();
  }

  const typed = settled(save, TYPING);
  for (const choice of form.elements.verdict) choice.addEventListener("change", () => { fit(); save(); });
  none.addEventListener("change", () => { place = null; fit(); save(); });
  answer.addEventListener("input", () => { place = null; typed(); });
  note.addEventListener("input", typed);
  byId("verdict-take").addEventListener("click", takeSelection);
  form.addEventListener("submit", (event) => { event.preventDefault(); save(); });
  fit();
}

/** The selected words of a text and their first character; null where none of its own are selected. */
function selected(box) {
  const selection = getSelection();
  if (!selection.rangeCount || selection.isCollapsed) return null;
  const range = selection.getRangeAt(0);
  if (!box.contains(range.startContainer) || !box.contains(range.endContainer)) return null;
  const before = document.createRange();
  before.setStart(box, 0);
  before.setEnd(range.startContainer, range.startOffset);
  const text = range.toString();
  const lead = text.length - text.trimStart().length;
  const start = new Characters(before.toString() + text.slice(0, lead)).length;
  return text.trim() ? { text: text.trim(), start } : null;
}
