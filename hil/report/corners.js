// The corners as a table: the focused lap's speeds and time, and where rivals win and lose.

// What a rival loses to the focused lap, from half-way before the corner to half-way after it,
// as far as both were driven.
function lost(rival, k) {
  const late = delta(rival);
  const from = late.findIndex((v) => v !== null);
  const to = late.findLastIndex((v) => v !== null);
  if (from < 0) return null;
  const place = (m) => Math.max(from, Math.min(to, Math.round(m / data.step)));
  const [begin, end] = data.stretches[k].map(place);
  return late[end] - late[begin];
}

function signed(value, digits) {
  if (value === null) return "–";
  return (value > 0 ? "+" : "") + shown(value, digits);
}

function drawCorners() {
  const place = $("#corner-table");
  if (!data.corners.length) {
    place.innerHTML = '<p class="none">The line has no corner.</p>';
    return;
  }
  const others = rivals();
  const heads = ["Corner", "At", "Turns", "Radius", "Entry", "Apex", "Slowest", "Exit", "Time", ...others.flatMap((lap) => [lap.name, "Slowest"])];
  const units = ["", "m", "°", "m", "km/h", "km/h", "km/h", "km/h", "s", ...others.flatMap(() => ["s", "km/h"])];
  const table = document.createElement("table");
  table.className = "corners";
  const head = table.createTHead();
  [heads, units].forEach((row, k) => {
    const line = head.insertRow();
    if (k) line.className = "units";
    for (const text of row) line.append(Object.assign(document.createElement("th"), { textContent: text }));
  });
  const body = table.createTBody();
  data.corners.forEach((corner, k) => {
    const [time, entry, apex, exit, least] = focused().passages[k];
    const cells = [corner.number, Math.round(corner.station).toLocaleString("en"), `${shown(Math.abs(corner.turn), 0)} ${corner.turn > 0 ? "left" : "right"}`, shown(corner.radius, 0), shown(entry, 0), shown(apex, 0), shown(least, 0), shown(exit, 0), shown(time, 2)];
    const line = body.insertRow();
    for (const text of cells) line.insertCell().textContent = text;
    for (const lap of others) {
      const late = lost(lap, k);
      const cell = line.insertCell();
      cell.textContent = signed(late, 3);
      if (late !== null) cell.className = late > 0 ? "slower" : "faster";
      line.insertCell().textContent = shown(lap.passages[k][4], 0);
    }
    line.addEventListener("click", () => zoom([Math.max(0, corner.begin - 80), Math.min(data.length_m, corner.end + 80)]));
  });
  place.replaceChildren(table);
  drawBars(others);
}

function drawBars(others) {
  const chart = $("#corner-bars");
  chart.hidden = others.length === 0;
  if (chart.hidden) return;
  const names = data.corners.map(({ number }) => String(number));
  const bars = others.map((lap) => ({ type: "bar", x: names, y: names.map((_, k) => lost(lap, k)), marker: { color: rivalColour(lap) }, hoverinfo: "skip" }));
  Plotly.react(chart, bars, {
    height: 190, margin: { ...MARGIN, b: 34 }, font: font(), showlegend: false, hovermode: false, dragmode: false, bargap: 0.35,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    xaxis: { type: "category", fixedrange: true, title: { text: "corner", standoff: 4 } },
    yaxis: { fixedrange: true, automargin: true, gridcolor: colour("--grid"), zeroline: true, zerolinecolor: colour("--zero"), nticks: 5, ticklabelstandoff: 5, title: { text: `s later than ${focused().name}`, standoff: 2 } },
  }, CONFIG);
}
