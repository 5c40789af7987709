/** Questions to the server: each fails with words that can be shown, and an older one gives way to a newer. */

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
 * Fetches.
 * @param {string} url
 * @param {object} [options] `body` is sent as JSON, by POST unless `method` says otherwise; `signal` breaks it off
 * @returns {Promise<Response>} a good one
 */
export async function request(url, { method, body, signal } = {}) {
  const headers = { "Content-Type": "application/json" };
  const sent = body === undefined ? {} : { headers, body: JSON.stringify(body) };
  let response;
  try {
    response = await fetch(url, { method: method ?? (body === undefined ? "GET" : "POST"), signal, ...sent });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Failure("The server does not answer. See whether `squad-albert serve` still runs, and try again.");
  }
  if (response.ok) return response;
  throw await failure(response);
}

async function failure(response) {
  let body = {};
  try {
    body = await response.json();
  } catch { // not ours: a proxy's page, or nothing
  }
  const busy = response.status === 503 ? ` Try again in ${response.headers.get("Retry-After") ?? "a few"} s.` : "";
  const said = body.error ?? `The server answered ${response.status} ${response.statusText}.`;
  return new Failure(sentence(said) + busy, response.status, body);
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
