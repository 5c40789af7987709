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
  }

  for (const element of document.querySelectorAll(".plot")) {
    const source = document.getElementById(`${element.id}-spec`);
    if (!source) continue;
    const { figure, choices } = JSON.parse(source.textContent);
    const chooser = document.querySelector(`[data-chooser="${element.id}"]`);
    const draw = () => {
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

  const mapElement = document.getElementById("map");
  if (mapElement) drawMap(mapElement, JSON.parse(document.getElementById("map-data").textContent));

  function drawMap(element, points) {
    const which = document.getElementById("map-method");
    const colour = document.getElementById("map-colour");
    const sized = document.getElementById("map-size");
    const tip = document.getElementById("tip");
    const pinned = document.getElementById("map-pinned");
    const shapes = ["circle", "diamond", "square", "triangle-up", "circle", "diamond", "square"];
    let gl = points.id.length > points.webgl_from;
    const touch = matchMedia("(pointer: coarse)").matches;

    function traces() {
      const place = points.maps[which.value];
      const { names, codes, colours } = points.colours[colour.value];
      const members = [-1, ...names.keys()].map((code) => [code, codes.flatMap((c, row) => (c === code ? [row] : []))]);
      const drawn = members.filter(([, rows]) => rows.length);
      if (sized.checked) { // the large ones below, so that they hide none
        const mean = (rows) => rows.reduce((sum, row) => sum + points.size[row], 0) / rows.length;
        for (const [, rows] of drawn) rows.sort((one, other) => points.size[other] - points.size[one]);
        drawn.sort(([, one], [, other]) => mean(other) - mean(one));
      }
      return drawn.map(([code, rows]) => ({
        type: gl ? "scattergl" : "scatter",
        mode: "markers",
        legendrank: code < 0 ? 999 : code,
        name: `${code < 0 ? "others" : names[code]} (${rows.length.toLocaleString("en")})`,
        x: rows.map((row) => place.x[row]),
        y: rows.map((row) => place.y[row]),
        customdata: rows,
        hoverinfo: "none",
        marker: {
          color: code < 0 ? points.grey : (colours ?? points.series)[code],
          symbol: code < 0 || colours ? "circle" : shapes[code],
          opacity: code < 0 ? 0.4 : 0.75,
          size: sized.checked ? rows.map((row) => 3 + 10 * points.size[row]) : 6,
          line: { width: 0.5, color: points.surface },
        },
      }));
    }

    function draw() {
      const layout = structuredClone(points.layout);
      layout.dragmode = touch ? false : "pan";
      layout.uirevision = which.value; // the view stays when only the colours change
      return Plotly.react(element, themed(traces()), themed(layout), {
        responsive: true, displaylogo: false, displayModeBar: true, scrollZoom: false,
        modeBarButtons: [["pan2d", "zoom2d", "zoomIn2d", "zoomOut2d", "resetScale2d"]],
      });
    }

    function described(row) {
      const box = document.createDocumentFragment();
      const asked = document.createElement("p");
      const list = document.createElement("dl");
      asked.append(isolated(points.question[row]));
      const loss = points.loss[row];
      const facts = {
        gold: points.gold[row], answer: points.prediction[row], outcome: points.outcome[row], title: points.title[row],
        id: points.id[row], ...(loss === null ? {} : { loss: loss.toFixed(2) }),
      };
      for (const [key, value] of Object.entries(facts)) {
        const term = document.createElement("dt");
        const text = document.createElement("dd");
        term.textContent = key;
        text.append(isolated(value));
        list.append(term, text);
      }
      box.append(asked, list);
      return box;
    }

    function isolated(text) {
      const element = document.createElement("bdi");
      element.textContent = text;
      return element;
    }

    register(element, async () => {
      const first = !element.dataset.drawn;
      await draw();
      if (gl && element.querySelector(".no-webgl")) { // this browser or machine cannot: slower, but it can be seen
        gl = false;
        Plotly.purge(element);
        await draw();
      }
      if (!first) return;
      element.on("plotly_hover", ({ points: [point], event }) => {
        tip.replaceChildren(described(point.customdata));
        tip.hidden = false;
        const { width, height } = tip.getBoundingClientRect();
        const x = event.clientX + 16 + width > innerWidth ? event.clientX - 16 - width : event.clientX + 16;
        tip.style.left = `${Math.max(8, x)}px`;
        tip.style.top = `${Math.max(8, Math.min(event.clientY + 16, innerHeight - height - 8))}px`;
      });
      element.on("plotly_unhover", () => { tip.hidden = true; });
      addEventListener("pointermove", ({ target }) => { // plotly misses that a hand leaves right after a click
        if (!element.contains(target)) tip.hidden = true;
      });
      element.on("plotly_click", ({ points: [point] }) => pinned.replaceChildren(described(point.customdata)));
    });
    for (const control of [which, colour, sized]) control.addEventListener("change", draw);
  }
})();
