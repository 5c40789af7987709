/** Stretches of a text by characters as the server counts them: code points, where JavaScript counts halves of some. */

/** Cuts a text by code points. */
export class Characters {
  constructor(text) {
    this.text = text;
    this.plain = !/[\ud800-\udfff]/.test(text); // then units are code points
    this.points = this.plain ? null : Array.from(text);
  }

  get length() {
    return this.plain ? this.text.length : this.points.length;
  }

  slice(start, end) {
    return this.plain ? this.text.slice(start, end) : this.points.slice(start, end).join("");
  }

  /** The code points before a place that is counted in units. */
  before(units) {
    return this.plain ? units : Array.from(this.text.slice(0, units)).length;
  }
}

/**
 * Cuts a text wherever a span begins or ends.
 * @param {Characters} text
 * @param {{start: number, end: number}[]} spans may overlap
 * @returns {{text: string, start: number, spans: object[]}[]} together the whole text, each with the spans over it
 */
export function stretches(text, spans) {
  const real = spans.filter((span) => span.end > span.start);
  const cuts = new Set([0, text.length, ...real.flatMap((span) => [span.start, span.end])]);
  const places = [...cuts].filter((place) => place >= 0 && place <= text.length).sort((one, other) => one - other);
  return places.slice(0, -1).map((start, index) => {
    const end = places[index + 1];
    return { text: text.slice(start, end), start,
      spans: real.filter((span) => span.start <= start && span.end >= end) };
  });
}
