/** The palette, as the style sheet has it on the ground that is shown. */

const STEPS = 6; // of a scale for numbers

/** A colour of the palette by its name, such as "blue". */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** Calls back whenever light turns dark or the other way round. */
export function onGround(redraw) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

/**
 * What each point's colour is, and what the legend says.
 * @param {object} column as the map has it: codes and categories (and what the code -1 stands for), or values
 * @param {{series: string[], outcomes: object}} palette names of colours
 * @returns {{codes: Uint8Array, colours: () => string[], legend: {label: string, count: number, code: number,
 *   value: (string|boolean|null)}[]}} `value` is that of a filter, null where there is none
 */
export function coloured(column, palette) {
  if (column.type === "number") return byNumber(column.values);
  if (column.type === "boolean") {
    const codes = column.values.map((value) => (value === null ? -1 : value ? 0 : 1));
    return byCategory(codes, ["true", "false"], palette);
  }
  return byCategory(column.codes, column.categories, palette, column.others);
}

function byCategory(codes, categories, { series, outcomes }, uncoded = "none") {
  const own = categories.every((name) => name in outcomes);
  const counts = new Array(categories.length).fill(0);
  for (const code of codes) if (code >= 0) counts[code] += 1;
  const order = categories.map((_, code) => code).filter((code) => counts[code]).sort((a, b) => counts[b] - counts[a]);
  const shown = own ? order : order.slice(0, series.length);
  const place = new Map(shown.map((code, at) => [code, at]));
  const grey = shown.length;
  const drawn = Uint8Array.from(codes, (code) => place.get(code) ?? grey);
  const legend = shown.map((code, at) => ({ label: categories[code], count: counts[code], code: at,
    value: categories[code] }));
  const others = drawn.reduce((sum, code) => sum + (code === grey), 0);
  const rest = order.length > shown.length ? "others" : uncoded;
  if (others) legend.push({ label: rest, count: others, code: grey, value: null });
  const names = shown.map((code, at) => (own ? outcomes[categories[code]] : series[at]));
  return { codes: drawn, legend, colours: () => [...names, "grey"].map(colour) };
}

/** Numbers by rank: as many points have each of the scale's colours, so that a few large ones do not hide the rest. */
function byNumber(values) {
  const known = Float64Array.from(values.filter((value) => value !== null)).sort();
  const edges = [];
  for (let step = 1; step < STEPS; step += 1) {
    const edge = known[Math.floor((step * known.length) / STEPS)];
    if (known.length && edge > (edges.at(-1) ?? known[0])) edges.push(edge);
  }
  const steps = edges.length + 1;
  const step = (value) => edges.filter((edge) => edge <= value).length;
  const ends = Array.from({ length: steps }, () => []);
  for (const value of known) {
    const held = ends[step(value)];
    held[held.length ? 1 : 0] = value; // they come in their order: the first stays, the last wins
  }
  const codes = Uint8Array.from(values, (value) => (value === null ? steps : step(value)));
  const counts = new Array(steps + 1).fill(0);
  for (const code of codes) counts[code] += 1;
  const legend = known.length ? Array.from({ length: steps }, (_, code) => ({
    label: ranged(...ends[code]), count: counts[code], code, value: null })) : [];
  if (counts[steps]) legend.push({ label: "none", count: counts[steps], code: steps, value: null });
  return { codes, legend, colours: () => [...ramp(steps), colour("grey")] };
}

/** The values that share a colour, with as many digits as it takes to tell the first from the last. */
function ranged(first, last = first) {
  if (first === last) return short(first, 3);
  const digits = [3, 4, 5, 6].find((one) => short(first, one) !== short(last, one)) ?? 6;
  const [from, to] = [short(first, digits), short(last, digits)];
  return from === to ? from : `${from} to ${to}`;
}

function short(value, digits) {
  return Number(value.toPrecision(digits)).toLocaleString("en", { maximumFractionDigits: digits + 1 });
}

/** From hardly seen to seen at once. */
function ramp(steps) {
  const [from, to] = ["axis", "wine"].map((name) => channels(colour(name)));
  return Array.from({ length: steps }, (_, step) => {
    const share = steps > 1 ? step / (steps - 1) : 1;
    return `rgb(${from.map((one, at) => Math.round(one + (to[at] - one) * share)).join(" ")})`;
  });
}

/** Red, green and blue of a colour of the palette. */
export function channels(hex) {
  return [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
}
