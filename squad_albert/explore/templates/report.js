"use strict";
(() => {
  const root = document.documentElement;
  const partner = JSON.parse(document.getElementById("theme-colours").textContent); // light colour -> dark colour
  const system = matchMedia("(prefers-color-scheme: dark)");
  const still = { displayModeBar: false, responsive: true };
  const drawn = new Map(); // element -> the function that draws it

  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);

  /** A specification with the colours of the ground that is shown. */
  function themed(value) {
    if (!isDark()) return value;
    if (typeof value === "string") return partner[value] ?? value;
    if (Array.isArray(value)) return value.map(themed);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, themed(one)]));
    }
    return value;
  }

  // Plotly takes seconds to start, so the page comes first.
  const plotly = new Promise((ready) => {
    addEventListener("load", () => setTimeout(() => {
      const script = document.createElement("script");
      script.textContent = document.getElementById("plotly").textContent;
      document.body.append(script);
      ready();
    }));
  });

  // Figures are drawn when they come near the window, and again when the ground changes.
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      near.unobserve(entry.target);
      drawn.get(entry.target)();
      entry.target.dataset.drawn = "yes";
    }
  }, { rootMargin: "300px" });

  function register(element, draw) {
    drawn.set(element, draw);
    near.observe(element);
  }

  function redraw() {
    for (const [element, draw] of drawn) if (element.dataset.drawn) draw();
    document.dispatchEvent(new Event("ground")); // for the map, which is a script of its own
  }

  for (const element of document.querySelectorAll(".plot")) {
    const source = document.getElementById(`${element.id}-spec`);
    if (!source) continue;
    const { figure, choices } = JSON.parse(source.textContent);
    const chooser = document.querySelector(`[data-chooser="${element.id}"]`);
    const draw = async () => {
      await plotly;
      const { data, layout } = structuredClone(figure);
      if (chooser) Object.assign(data[0], choices[chooser.value]);
      return Plotly.react(element, themed(data), themed(layout), still);
    };
    chooser?.addEventListener("change", draw);
    register(element, draw);
  }

  // Light and dark.
  const button = document.getElementById("theme");
  const name = () => { button.textContent = isDark() ? "Light" : "Dark"; };
  button.hidden = false;
  name();
  button.addEventListener("click", () => { root.dataset.theme = isDark() ? "light" : "dark"; name(); redraw(); });
  system.addEventListener("change", () => { name(); redraw(); });
  addEventListener("beforeprint", () => { for (const draw of drawn.values()) draw(); });

  // Which section is being read.
  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const reading = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      const link = links.get(entry.target.id);
      link.setAttribute("aria-current", "true");
      const list = link.closest("ol");
      if (list.scrollWidth > list.clientWidth) list.scrollLeft = link.offsetLeft - list.offsetLeft - 16;
    }
  }, { rootMargin: "-15% 0px -75% 0px" });
  for (const section of document.querySelectorAll("main > section")) reading.observe(section);

  // One of several panels.
  for (const chooser of document.querySelectorAll("select[data-panels]")) {
    const panels = document.querySelectorAll(`[data-panel-of="${chooser.dataset.panels}"]`);
    const choose = () => panels.forEach((panel) => { panel.hidden = panel.dataset.panel !== chooser.value; });
    chooser.addEventListener("change", choose);
    choose();
  }
})();
