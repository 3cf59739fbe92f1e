// The page comes alive: choices, timing, cursor.

function pills(place, current, press) {
  $(place).replaceChildren(...data.laps.map((lap, i) => {
    const pill = document.createElement("button");
    pill.type = "button";
    pill.textContent = lap.label;
    pill.title = `${lap.name}, ${lapTime(lap.time_s)}${lap.best ? ", the best" : ""}`;
    pill.setAttribute("aria-pressed", current(i));
    pill.classList.toggle("best", lap.best);
    pill.classList.toggle("partial", !lap.completed);
    pill.addEventListener("click", () => press(i));
    return pill;
  }));
}

function drawChoices() {
  pills("#focus", (i) => i === chosen.focus, focus);
  pills("#against", (i) => chosen.against.has(i) && i !== chosen.focus, (i) => {
    if (!chosen.against.delete(i)) chosen.against.add(i);
    drawLaps();
  });
  [...$("#against").children].forEach((pill, i) => {
    pill.disabled = i === chosen.focus;
    const lap = data.laps[i];
    if (rivals().includes(lap)) pill.style.setProperty("--pill", rivalColour(lap));
  });
  $("#against-choice").hidden = data.laps.length < 2;
  for (const row of document.querySelectorAll("tr[data-lap]")) row.classList.toggle("focus", Number(row.dataset.lap) === focused().number);
}

function focus(i) {
  chosen.focus = i;
  drawLaps();
}

function drawLaps() {
  drawChoices();
  drawPanels();
  drawPlan();
  drawCorners();
  drawGrip();
  point(chosen.station ?? null);
  // On a phone only the bar's last row stays in sight, see page.css.
  $("#bar").style.setProperty("--rest", `${46 - $("#bar").offsetHeight}px`);
}

function zoom(to) {
  chosen.range = to && to[1] - to[0] > 4 * data.step && to[1] - to[0] < data.length_m * 0.999 ? to : null;
  const option = [...$("#where").options].find((o) => o.value === JSON.stringify(chosen.range));
  $("#where").value = option ? option.value : chosen.range ? "part" : "null";
  zoomPanels();
  Plotly.relayout($("#plan"), { "xaxis.range": window_(0).range, "yaxis.range": window_(1).range });
  drawGrip();
  point(null);
}

function fillWhere() {
  const metres = (v) => Math.round(v).toLocaleString("en");
  const option = (text, value) => new Option(text, value);
  const corners = data.corners.map(({ station: apex }, k) => {
    const part = [Math.max(0, apex - 150), Math.min(data.length_m, apex + 150)];
    return option(`Corner ${k + 1}, ${metres(apex)} m`, JSON.stringify(part));
  });
  const part = option("Part of the lap", "part");
  part.disabled = true;
  $("#where").replaceChildren(option("Whole lap", "null"), ...corners, part);
  $("#where").addEventListener("change", (event) => zoom(JSON.parse(event.target.value)));
}

let due = false;
function point(station) {
  chosen.station = station;
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    cursorPanels(chosen.station);
    cursorPlan(chosen.station);
    $("#station").textContent = chosen.station === null ? "" : `${Math.round(chosen.station).toLocaleString("en")} m · ${shown(at(focused(), "time", chosen.station), 2)} s`;
  });
}

// Whether any lap has values in a column: what a log does not hold is not drawn.
function has(column) {
  return data.laps.some((lap) => lap[column]?.some((v) => v !== null));
}

function drawStages() {
  const entries = Object.entries(data.stages);
  if (!entries.length) return;
  // All places first, for only then have they their width.
  const places = entries.map(([name]) => {
    const figure = document.createElement("figure");
    figure.innerHTML = "<figcaption><b></b></figcaption><div></div>";
    figure.querySelector("b").textContent = `${name}, µs`;
    $("#stages").append(figure);
    return figure.lastChild;
  });
  places.forEach((place, k) => drawStage(place, entries[k][1]));
}

function drawStage(place, { edges_us, counts, marks }) {
  const top = Math.log10(Math.max(...counts, 1)) + 0.9;
  const found = counts.map((c, i) => i).filter((i) => counts[i] > 0);
  const low = Math.max(edges_us[found[0]] ?? 0.1, 0.1);
  const known = Object.entries(marks).filter(([, v]) => v !== null && v > 0);
  const high = Math.max(edges_us[(found.at(-1) ?? 0) + 1], ...known.map(([, v]) => v));
  const decades = Array.from({ length: 9 }, (_, k) => 10 ** (k - 1));
  const steps = decades.flatMap((d) => (high / low < 1000 ? [d, 2 * d, 5 * d] : [d]));
  const x = found.flatMap((i) => [edges_us[i], edges_us[i], edges_us[i + 1], edges_us[i + 1], null]).map((v) => (v === null ? null : Math.max(v, 0.05)));
  const y = found.flatMap((i) => [0.5, counts[i], counts[i], 0.5, null]);
  const lines = known.map(([, v]) => ({ type: "line", xref: "x", yref: "paper", x0: v, x1: v, y0: 0, y1: 1, line: { color: colour("--hot"), width: 1, dash: "2px,2px" } }));
  const texts = known.map(([name, v], k) => ({ xref: "x", yref: "paper", x: Math.log10(v), y: 1 - 0.085 * k, yanchor: "top", xanchor: v > Math.sqrt(low * high) ? "right" : "left", showarrow: false, text: `${name} ${v < 100 ? v.toFixed(1) : Math.round(v).toLocaleString("en")}`, bgcolor: "rgba(255,255,255,0.8)", font: { size: 10, color: colour("--ink") } }));
  Plotly.newPlot(place, [{ type: "scatter", mode: "lines", x, y, fill: "toself", fillcolor: colour("--accent"), line: { width: 0 }, hoverinfo: "skip" }], {
    height: 230, margin: { l: 46, r: 10, t: 6, b: 26 }, font: font(), showlegend: false, hovermode: false, dragmode: false, shapes: lines, annotations: texts,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    xaxis: { type: "log", range: [Math.log10(low) - 0.05, Math.log10(high) + 0.05], showgrid: false, showline: true, linecolor: colour("--zero"), ticks: "outside", ticklen: 4, tickcolor: colour("--zero"), tickvals: steps.filter((v) => v >= low * 0.9 && v <= high * 1.1), tickformat: ",~g", fixedrange: true },
    yaxis: { type: "log", range: [Math.log10(0.5), top], gridcolor: colour("--grid"), dtick: 1, fixedrange: true, exponentformat: "power" },
  }, CONFIG);
}

function listen() {
  const map = $("#plan");
  map.addEventListener("pointermove", (event) => point(stationOnPlan(event)));
  map.addEventListener("pointerdown", (event) => point(stationOnPlan(event)));
  onDoubleClick(map);
  map.on("plotly_relayout", () => point(chosen.station));
  for (const row of document.querySelectorAll("tr[data-lap]")) {
    const i = data.laps.findIndex((lap) => lap.number === Number(row.dataset.lap));
    if (i >= 0) row.addEventListener("click", () => focus(i));
  }
  addEventListener("resize", () => { drawPlan(); point(null); });
  addEventListener("keydown", (event) => event.key === "Escape" && zoom(null));
}

async function start() {
  await loadLibrary();
  data = decode(await unpack("#payload"));
  drawScale();
  drawStages();
  addEventListener("beforeprint", fitPaper);
  addEventListener("afterprint", fitPaper);
  if (!data.laps.length) {
    for (const id of ["#grip", "#corners", "#speed", "#errors", "#actuators", "#estimate"]) $(id).hidden = true;
    drawPlan();
    return;
  }
  const best = data.laps.findIndex((lap) => lap.best);
  chosen.focus = best < 0 ? 0 : best;
  for (const i of data.against ?? []) chosen.against.add(i);
  $("#grip").hidden ||= !has("ax");
  $("#bar").hidden = false;
  fillWhere();
  buildPanels();
  drawLaps();
  listen();
}

start().then(() => document.documentElement.classList.add("ready"), (error) => trouble(`The charts could not be drawn: ${error.message}`));
