/** Questions to the server: each fails with words that can be shown, and an older one gives way to a newer. */

const PATIENCE = 60_000; // milliseconds for which a server that is busy is asked again, as often as it wants

/** What the server, or the way to it, had to complain of. */
export class Failure extends Error {
  constructor(message, status = 0, body = {}) {
    super(message);
    this.status = status;
    this.body = body;
  }
}

/** The path of a run's part; ids may hold any character. */
export function path(...parts) {
  return `/${parts.map(encodeURIComponent).join("/")}`;
}

/**
 * Fetches; while the server is busy, again after as long as it says.
 * @param {string} url
 * @param {object} [options] `body` is sent as JSON, by POST unless `method` says otherwise; `signal` breaks it off
 * @returns {Promise<Response>} a good one
 */
export async function request(url, { method, body, signal } = {}) {
  const headers = { "Content-Type": "application/json" };
  const sent = body === undefined ? {} : { headers, body: JSON.stringify(body) };
  const asked = { method: method ?? (body === undefined ? "GET" : "POST"), signal, ...sent };
  const began = performance.now();
  for (;;) {
    const response = await fetched(url, asked);
    if (response.ok) return response;
    const wait = 1000 * Number(response.headers.get("Retry-After"));
    if (response.status !== 503 || !wait || performance.now() - began + wait > PATIENCE) throw await failure(response);
    await response.body?.cancel();
    await rest(wait, signal);
  }
}

async function fetched(url, asked) {
  try {
    return await fetch(url, asked);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("The server does not answer. See whether `squad-albert serve` still runs, and try again.");
  }
}

/** Waits, unless what waits is broken off. */
function rest(milliseconds, signal) {
  return new Promise((done, fail) => {
    const broken = () => { clearTimeout(timer); fail(signal.reason); };
    const timer = setTimeout(() => { signal?.removeEventListener("abort", broken); done(); }, milliseconds);
    if (signal?.aborted) broken();
    else signal?.addEventListener("abort", broken, { once: true });
  });
}

async function failure(response) {
  let body = {};
  try {
    body = await response.json();
  } catch { // not ours: a proxy's page, or nothing
  }
  const said = body.error ?? `The server answered ${response.status} ${response.statusText}.`;
  return new Failure(sentence(said), response.status, body);
}

function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

export async function json(url, options) {
  return (await request(url, options)).json();
}

/** A place that shows one answer at a time: asking again breaks off what was asked before. */
export class Latest {
  #controller = new AbortController();

  /** Runs `ask(signal)`; undefined if something newer was asked meanwhile. */
  async run(ask) {
    this.#controller.abort();
    const mine = (this.#controller = new AbortController());
    try {
      const found = await ask(mine.signal);
      return mine.signal.aborted ? undefined : found;
    } catch (error) {
      if (mine.signal.aborted) return undefined;
      throw error;
    }
  }
}
