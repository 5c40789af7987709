/** The map's buttons: what a drag does, and zooming for those who do not scroll. */

const NEARER = 1.5; // of a button's zoom

/**
 * Makes the buttons in the map's box work.
 * @param {HTMLElement} box of the map
 * @param {PointMap} map
 * @param {() => void} all what the last button does
 */
export function addTools(box, map, all = () => map.fit()) {
  const modes = [...box.querySelectorAll("button[data-mode]")];
  for (const button of modes) {
    button.addEventListener("click", () => {
      map.mode = box.dataset.mode = button.dataset.mode;
      for (const one of modes) one.setAttribute("aria-pressed", String(one === button));
    });
  }
  box.querySelector("#map-nearer").addEventListener("click", () => map.zoom(NEARER));
  box.querySelector("#map-farther").addEventListener("click", () => map.zoom(1 / NEARER));
  box.querySelector("#map-all").addEventListener("click", all);
}
