/** Elements made of text, never of markup: nothing that the data holds can become part of the page. */

const UNSEEN = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Text of the data for display: control characters and direction overrides are spelt out, so that they do nothing. */
export function visible(text, longest = Infinity) {
  const all = String(text);
  const cut = all.length > longest ? `${all.slice(0, longest - 1).trimEnd()}…` : all;
  return cut.replace(UNSEEN, (one) => `[U+${one.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}]`);
}

/**
 * An element.
 * @param {string} name of the tag
 * @param {object} [attributes] `class`, `for` and the like as attributes, `on…` as listeners, `true` as an empty one
 * @param {...(Node|string|number|null|false)} children strings become text
 */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same for a drawing. */
export function drawing(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function filled(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : String(value));
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false).map(
    (child) => (child instanceof Node ? child : String(child))));
  return made;
}

/** Text of the data, with a direction of its own. */
export function data(text, longest) {
  return element("bdi", {}, visible(text, longest));
}

/** The element of an id, which has to be there. */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/** Runs a function once calls have ceased for a while, as long as someone is still typing. */
export function settled(run, milliseconds) {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => run(...given), milliseconds);
  };
}
