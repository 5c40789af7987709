/** Tabs as screen readers know them: one is in the order of focus, the arrow keys lead to the others. */

/**
 * @param {HTMLElement} list of role tablist; an event "part" on it, with a part's name, shows that part
 * @param {(part: string) => void} chosen by hand
 * @param {(part: string) => void} shown whenever a part is shown
 */
export function tabs(list, chosen, shown) {
  const all = [...list.querySelectorAll("[role=tab]")];
  const show = (part) => {
    const known = all.some((tab) => tab.dataset.part === part) ? part : all[0].dataset.part;
    for (const tab of all) {
      const own = tab.dataset.part === known;
      tab.setAttribute("aria-selected", String(own));
      tab.tabIndex = own ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !own;
    }
    shown(known);
  };
  list.addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) chosen(tab.dataset.part);
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = all[(all.indexOf(document.activeElement) + step + all.length) % all.length];
    next.focus();
    chosen(next.dataset.part);
  });
  list.addEventListener("part", (event) => show(event.detail));
}
