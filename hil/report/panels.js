// The charts over distance: one below the other, one cursor, one zoom.

const PANELS = {
  speed: { title: "Driven and target", alone: "Speed", unit: "km/h", digits: 1, height: 250, lines: [["speed", "driven"], ["target", "target"]], floor: 0 },
  delta: { title: "Time behind this lap", unit: "s", digits: 3, height: 120, rivalsOnly: true, zero: true },
  cross_track: { title: "Cross-track error, left +", unit: "m", digits: 3, height: 150, lines: [["cross_track", ""]], zero: true },
  edge_margin: { title: "Margin to the edge", unit: "m", digits: 2, height: 120, lines: [["edge_margin", ""]], floor: 0 },
  heading_error: { title: "Heading error, left +", unit: "°", digits: 2, height: 120, lines: [["heading_error", ""]], zero: true },
  steer: { title: "Steering, left +", unit: "°", digits: 1, height: 170, lines: [["steer", "response"], ["steer_command", "command"]], zero: true },
  throttle: { title: "Throttle", unit: "%", digits: 0, height: 120, lines: [["throttle", "response"], ["throttle_command", "command"]], span: [-4, 104] },
  brake: { title: "Brake", unit: "bar", digits: 1, height: 120, lines: [["brake", "response"], ["brake_command", "command"]], floor: 0 },
  gear: { title: "Gear", unit: "", digits: 0, height: 110, lines: [["gear", ""]], shape: "hv", floor: 0, whole: true },
  engine: { title: "Engine speed", unit: "rpm", digits: 0, height: 110, lines: [["engine", ""]], floor: 0 },
  position_error: { title: "Estimated against true position", unit: "m", digits: 3, height: 150, lines: [["position_error", ""]], floor: 0 },
};
const MARGIN = { l: 50, r: 10, t: 6 };
const foot = (last) => (last ? 24 : 8); // the last of a group carries the distances
const panels = [];

function buildPanels() {
  for (const group of document.querySelectorAll(".panels")) {
    const names = group.dataset.panels.split(" ");
    const known = names.filter((name) => !PANELS[name].lines || PANELS[name].lines.some(([column]) => has(column)));
    group.append(...known.map(buildPanel));
    group.closest("section").hidden = known.length === 0;
  }
}

function buildPanel(name) {
  const figure = document.createElement("figure");
  figure.innerHTML = '<figcaption><b></b><span class="values"></span></figcaption><div class="plot"><div class="chart"></div><div class="cursor" hidden></div></div>';
  const spec = PANELS[name];
  const title = spec.alone && !has(spec.lines[1][0]) ? spec.alone : spec.title;
  figure.querySelector("b").textContent = title + (spec.unit ? `, ${spec.unit}` : "");
  const panel = { name, spec, last: false, figure, chart: figure.querySelector(".chart"), cursor: figure.querySelector(".cursor"), values: figure.querySelector(".values") };
  const plot = figure.querySelector(".plot");
  plot.addEventListener("pointermove", (event) => point(stationUnder(panel, event)));
  plot.addEventListener("pointerdown", (event) => point(stationUnder(panel, event)));
  panels.push(panel);
  return figure;
}

function traces(panel) {
  const line = (y, stroke, width, dash) => ({ type: "scatter", mode: "lines", x: data.stations, y, line: { color: stroke, width, dash, shape: panel.spec.shape, simplify: false }, hoverinfo: "skip" });
  if (panel.spec.rivalsOnly) return rivals().map((lap) => line(delta(lap), rivalColour(lap), 1.5));
  const [first, ...others] = panel.spec.lines;
  return [
    ...rivals().map((lap) => line(lap[first[0]], rivalColour(lap), 1.1)),
    ...others.filter(([column]) => has(column)).map(([column]) => line(focused()[column], colour("--command"), 1.1)),
    line(focused()[first[0]], colour("--accent"), 1.7),
  ];
}

function layout(panel) {
  const { spec, last } = panel;
  const shade = data.bends.map(([x0, x1]) => ({ type: "rect", layer: "below", xref: "x", yref: "paper", x0, x1, y0: 0, y1: 1, fillcolor: colour("--bend"), line: { width: 0 } }));
  const yaxis = { fixedrange: true, gridcolor: colour("--grid"), zeroline: Boolean(spec.zero), zerolinecolor: colour("--zero"), zerolinewidth: 1, nticks: spec.height < 140 ? 4 : 6, ticklabelstandoff: 5, separatethousands: true, rangemode: spec.floor === 0 ? "tozero" : "normal" };
  if (spec.span) Object.assign(yaxis, { range: spec.span, autorange: false, tickvals: [0, 50, 100] });
  if (spec.whole) Object.assign(yaxis, { dtick: 2, tick0: 0 });
  return {
    height: spec.height + foot(last), margin: { ...MARGIN, b: foot(last) }, font: font(), shapes: shade,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", showlegend: false, hovermode: false, dragmode: touch ? false : "zoom",
    xaxis: { range: range().slice(), showgrid: false, zeroline: false, showline: true, linecolor: colour("--zero"), showticklabels: last, ticks: last ? "outside" : "", ticklen: 4, tickcolor: colour("--zero"), ticksuffix: " m", separatethousands: true, nticks: innerWidth < 700 ? 6 : 11 },
    yaxis,
  };
}

function drawPanels() {
  for (const panel of panels) panel.figure.hidden = Boolean(panel.spec.rivalsOnly) && rivals().length === 0;
  for (const panel of panels) {
    panel.last = panel.figure === [...panel.figure.parentElement.querySelectorAll("figure:not([hidden])")].pop();
    if (panel.figure.hidden) continue;
    const fresh = !panel.drawn;
    Plotly.react(panel.chart, traces(panel), layout(panel), CONFIG);
    panel.drawn = true;
    if (fresh) {
      panel.chart.on("plotly_relayout", (change) => follow(change));
      onDoubleClick(panel.chart);
    }
  }
}

// Plotly takes one tap of a finger for two clicks: there the bar's choice leads back.
function onDoubleClick(chart) {
  if (!touch) chart.on("plotly_doubleclick", () => zoom(null));
}

// A drag in one chart is a zoom of all.
function follow(change) {
  const [from, to] = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
  if (from === undefined || to === undefined) return;
  zoom([Math.max(0, from), Math.min(data.length_m, to)]);
}

function zoomPanels() {
  for (const panel of panels) if (panel.drawn && !panel.figure.hidden) Plotly.relayout(panel.chart, { "xaxis.range": range().slice() });
}

function stationUnder(panel, event) {
  const box = panel.chart.getBoundingClientRect();
  const share = (event.clientX - box.left - MARGIN.l) / (box.width - MARGIN.l - MARGIN.r);
  const [from, to] = range();
  return from + Math.min(1, Math.max(0, share)) * (to - from);
}

function cursorPanels(station) {
  const [from, to] = range();
  for (const panel of panels) {
    const inside = station !== null && station >= from && station <= to;
    panel.cursor.hidden = !inside;
    if (inside) {
      const width = panel.chart.clientWidth - MARGIN.l - MARGIN.r;
      panel.cursor.style.bottom = `${foot(panel.last)}px`;
      panel.cursor.style.left = `${MARGIN.l + ((station - from) / (to - from)) * width}px`;
    }
    panel.values.replaceChildren(...readings(panel, station));
  }
}

// The legend, which tells the values where the cursor stands.
function readings(panel, station) {
  const { spec } = panel;
  const entry = (stroke, text, value) => {
    const span = document.createElement("span");
    span.style.setProperty("--ink", stroke);
    span.textContent = [text, station === null ? "" : shown(value, spec.digits)].filter(Boolean).join(" ");
    return span;
  };
  const value = (lap, column) => (station === null ? null : at(lap, column, station));
  const label = (lap) => lap.name;
  if (spec.rivalsOnly) return rivals().map((lap) => entry(rivalColour(lap), label(lap), station === null ? null : delta(lap)[Math.round(station / data.step)]));
  const [first, ...rest] = spec.lines;
  const others = rest.filter(([column]) => has(column));
  return [
    entry(colour("--accent"), (others.length && first[1]) || label(focused()), value(focused(), first[0])),
    ...others.map(([column, text]) => entry(colour("--command"), text, value(focused(), column))),
    ...rivals().map((lap) => entry(rivalColour(lap), label(lap), value(lap, first[0]))),
  ];
}
