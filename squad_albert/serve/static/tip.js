/** The card beside the pointer. */

const AWAY = 16; // pixels from what it tells of
const EDGE = 8; // pixels that the window's edge keeps free

/** Shows a card beside a place of the window, where there is room. @param {{clientX: number, clientY: number}} place */
export function showBeside(tip, { clientX, clientY }) {
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const x = clientX + AWAY + width > innerWidth ? clientX - AWAY - width : clientX + AWAY;
  tip.style.left = `${Math.max(EDGE, x)}px`;
  tip.style.top = `${Math.max(EDGE, Math.min(clientY + AWAY, innerHeight - height - EDGE))}px`;
}

/** The window's place of a pixel of the map. @param {HTMLElement} box of the map @param {number[]} pixel */
export function placeOf(box, [x, y]) {
  const { left, top } = box.getBoundingClientRect();
  return { clientX: left + x, clientY: top + y };
}
