/** Downloads of what is selected. */

import { path, request } from "./api.js";
import { byId, element } from "./dom.js";
import { watched } from "./progress.js";

/** @param {string} run @param {() => object} body what is selected, in the server's words */
export function exportMenu(run, body) {
  for (const button of byId("export").querySelectorAll("[data-format]")) {
    const exported = () => save(run, body(), button.dataset.format);
    button.addEventListener("click", () => watched(byId("export-state"), "Exporting", exported));
  }
}

async function save(run, body, format) {
  const response = await request(path("runs", run, "export"), { body: { ...body, format } });
  const named = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "");
  const address = URL.createObjectURL(await response.blob());
  element("a", { href: address, download: named ? named[1] : `${run}.${format}` }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000); // the download has begun by then
}
