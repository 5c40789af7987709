/** What is told while something takes its time, and when it fails. */

import { Failure } from "./api.js";
import { element } from "./dom.js";

const PATIENCE = 400; // milliseconds before it is worth a word; after a second everything has one

/**
 * Shows in `place` that work is going on, and for how long, until it is done; a failure is shown in words.
 * @param {HTMLElement} place emptied and filled; make it a live region
 * @param {string} what "Answering"
 * @param {() => Promise<any>} work
 * @returns {Promise<any>} its result; undefined if it failed
 */
export async function watched(place, what, work) {
  const began = performance.now();
  const mine = {};
  owner.set(place, mine);
  place.replaceChildren();
  const seconds = element("span", { "aria-hidden": "true" });
  let ticking = 0;
  const late = setTimeout(() => {
    if (owner.get(place) !== mine) return;
    place.replaceChildren(element("p", { class: "working" }, element("span", { class: "pulse", "aria-hidden": "true" }),
      `${what}… `, seconds));
    ticking = setInterval(() => {
      seconds.textContent = `${Math.round((performance.now() - began) / 1000)} s`;
    }, 1000);
  }, PATIENCE);
  let said = null;
  try {
    return await work();
  } catch (error) {
    said = failed(error);
    return undefined;
  } finally {
    clearTimeout(late);
    clearInterval(ticking);
    if (owner.get(place) === mine) place.replaceChildren(...(said ? [said] : []));
  }
}

const owner = new WeakMap(); // place -> whose words it shows: work that began later has it

/** A failure in words. A bug of ours is thrown on, so that it is seen where bugs are looked for. */
export function failed(error) {
  if (!(error instanceof Failure)) throw error;
  return element("p", { class: "failure", role: "alert" }, error.message);
}
