/** Numbers and names of columns as people read them; a dash stands for a number that there is not. */

export const NONE = "–";

export function percent(share, digits = 1) {
  return share === null || share === undefined ? NONE : `${(100 * share).toFixed(digits)}\u00a0%`;
}

export function number(value, digits = 2) {
  if (value === null || value === undefined) return NONE;
  const whole = Number.isInteger(value);
  return value.toLocaleString("en", { minimumFractionDigits: whole ? 0 : digits, maximumFractionDigits: digits });
}

export function count(value) {
  return value.toLocaleString("en");
}

/** "1 question", "2,000 questions". */
export function counted(value, name) {
  return `${count(value)} ${name}${value === 1 ? "" : "s"}`;
}

/** A column's name without its underscores. */
export function named(column) {
  return column.replaceAll("_", " ");
}

/** A probability: small ones are not rounded to nothing. */
export function probability(value) {
  if (value === null || value === undefined) return NONE;
  if (value > 0 && value < 0.001) return "< 0.1\u00a0%";
  if (value < 1 && value > 0.999) return "> 99.9\u00a0%";
  return percent(value);
}
