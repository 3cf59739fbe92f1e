// Each manoeuvre: a section, its panels drawn as they come into sight, a line a model.

const LINES = [
  { color: "#2c0a94", width: 2 },
  { color: "#d8576b", width: 1.6 },
  { color: "#fb9f3a", width: 1.6, dash: "dot" },
];

function section(run) {
  const made = document.createElement("section");
  const head = document.createElement("h2");
  head.textContent = run.title;
  const legend = document.createElement("span");
  legend.className = "legend";
  run.panels[0].lines.forEach((line, k) => {
    const dash = document.createElement("i");
    dash.style.borderTopColor = LINES[k].color;
    dash.style.borderTopStyle = LINES[k].dash ? "dotted" : "solid";
    legend.append(dash, line.name);
  });
  head.append(legend);
  const grid = document.createElement("div");
  grid.className = "grid";
  made.append(head, grid);
  for (const panel of run.panels) {
    const figure = document.createElement("div");
    figure.className = "panel";
    figure.panel = panel;
    grid.append(figure);
  }
  return made;
}

function draw(figure) {
  const { title, lines } = figure.panel;
  const axis = { gridcolor: colour("--grid"), zerolinecolor: colour("--zero"), fixedrange: false };
  Plotly.newPlot(
    figure,
    lines.map((line, k) => ({ x: line.t, y: line.y, name: line.name, mode: "lines", line: LINES[k] })),
    {
      font: font(), showlegend: false, hovermode: "x unified", margin: { l: 48, r: 6, t: 22, b: 24 },
      title: { text: title, font: { ...font(), size: 12 }, x: 0, xanchor: "left", y: 0.98, yanchor: "top" },
      xaxis: { ...axis, ticksuffix: " s" }, yaxis: axis,
    },
    { ...CONFIG, doubleClick: "reset" },
  );
}

async function start() {
  await loadLibrary();
  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries)
      if (isIntersecting) {
        seen.unobserve(target);
        draw(target);
      }
  }, { rootMargin: "600px" });
  for (const run of JSON.parse(await unpack("#payload"))) $("#charts").append(section(run));
  for (const figure of document.querySelectorAll(".panel")) seen.observe(figure);
  addEventListener("beforeprint", fitPaper);
  addEventListener("afterprint", fitPaper);
}

start().then(() => document.documentElement.classList.add("ready"), (error) => trouble(`The charts could not be drawn: ${error.message}`));
