/** Polygons drawn by hand: which points they hold, and the same shape from fewer corners. */

const MOST_CORNERS = 60; // enough for any hand, and few enough for an address

/** @returns {Uint8Array} 1 for each point that lies in the polygon, by the even-odd rule */
export function inside(polygon, xs, ys) {
  const found = new Uint8Array(xs.length);
  const [left, right] = bounds(polygon.map(([x]) => x));
  const [low, high] = bounds(polygon.map(([, y]) => y));
  for (let at = 0; at < xs.length; at += 1) {
    const x = xs[at];
    const y = ys[at];
    if (x < left || x > right || y < low || y > high) continue;
    let odd = 0;
    for (let one = 0, other = polygon.length - 1; one < polygon.length; other = one, one += 1) {
      const [x1, y1] = polygon[one];
      const [x2, y2] = polygon[other];
      if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) odd ^= 1;
    }
    found[at] = odd;
  }
  return found;
}

function bounds(values) {
  return [Math.min(...values), Math.max(...values)];
}

/** The polygon without corners that hardly matter (Ramer, Douglas, Peucker), as coarse as its corners must be few. */
export function simplified(polygon, tolerance) {
  let kept = thinned(polygon, tolerance);
  for (let coarse = 2 * tolerance; kept.length > MOST_CORNERS; coarse *= 2) kept = thinned(polygon, coarse);
  return kept;
}

function thinned(line, tolerance) {
  if (line.length < 3) return line;
  const [first, last] = [line[0], line.at(-1)];
  let [worst, most] = [0, -1];
  for (let at = 1; at < line.length - 1; at += 1) {
    const away = distance(line[at], first, last);
    if (away > most) [worst, most] = [at, away];
  }
  if (most <= tolerance) return [first, last];
  return [...thinned(line.slice(0, worst + 1), tolerance).slice(0, -1), ...thinned(line.slice(worst), tolerance)];
}

function distance([x, y], [x1, y1], [x2, y2]) {
  const [across, up] = [x2 - x1, y2 - y1];
  const length = Math.hypot(across, up);
  return length ? Math.abs(across * (y1 - y) - (x1 - x) * up) / length : Math.hypot(x - x1, y - y1);
}
