// The track from above with the driven line in colours of speed, and the g-g diagram.

const LEVEL_WIDTH = 3;

// On a phone the landscape plan stands on its end.
const upright = () => innerWidth < 600;
const seen = (x, y) => (upright() ? [y.map((v) => (v === null ? null : -v)), x] : [x, y]);

function trace(x, y, more) {
  const [u, v] = seen(x, y);
  return { type: "scatter", mode: "lines", x: u, y: v, hoverinfo: "skip", ...more };
}

function level(speed) {
  const [low, high] = data.speed_range;
  const share = (speed - low) / (high - low || 1);
  return Math.max(0, Math.min(data.colours.length - 1, Math.floor(share * data.colours.length)));
}

// Plotly has one colour a line: so one broken line for each level of speed.
function levels(lap) {
  const lines = data.colours.map(() => ({ x: [], y: [] }));
  for (let i = 0; i + 1 < data.points; i++) {
    if (lap.x[i] === null || lap.x[i + 1] === null) continue;
    const line = lines[level((lap.speed[i] + lap.speed[i + 1]) / 2)];
    if (line.end !== i) {
      if (line.x.length) { line.x.push(null); line.y.push(null); }
      line.x.push(lap.x[i]); line.y.push(lap.y[i]);
    }
    line.x.push(lap.x[i + 1]); line.y.push(lap.y[i + 1]);
    line.end = i + 1;
  }
  const drawn = (line, stroke) => trace(line.x, line.y, { line: { color: stroke, width: LEVEL_WIDTH, simplify: false } });
  // The whole lap below in a middle tone, or the road would glint between two colours.
  return [drawn(lap, data.colours[data.colours.length >> 1]), ...lines.map((line, k) => drawn(line, data.colours[k]))];
}

function road() {
  const [left, right] = [data.plan.left, data.plan.right].map((side) => side.map((axis) => axis.map((v) => v / 100)));
  const ring = [0, 1].map((k) => [...left[k], ...right[k].slice().reverse(), left[k][0]]);
  const edge = { color: colour("--edge"), width: 1 };
  const across = [0, 1].map((k) => [left[k][0], right[k][0]]);
  return [
    trace(ring[0], ring[1], { fill: "toself", fillcolor: colour("--road"), line: { width: 0 } }),
    trace(left[0], left[1], { line: edge }),
    trace(right[0], right[1], { line: edge }),
    trace(across[0], across[1], { line: { color: colour("--ink"), width: 4 } }),
  ];
}

// The bends' numbers, on their outside, and the way round at the start.
function signs() {
  const sign = (x, y, u, v, more) => {
    const [[across, right], [up, over]] = seen([x, u], [y, v]);
    return { x: across, y: up, showarrow: false, font: { size: 11, color: colour("--muted") }, xshift: 13 * right, yshift: 13 * over, ...more };
  };
  const numbers = data.corners.map(({ x, y, u, v }, k) => sign(x, y, u, v, { text: String(k + 1) }));
  const [from, to] = [0, 1].map((i) => [0, 1].map((k) => data.plan.left[k][i] / 100));
  const out = [0, 1].map((k) => (data.plan.left[k][0] - data.plan.right[k][0]) / 100);
  const [u, v] = out.map((d) => d / (Math.hypot(...out) || 1));
  const [[right], [over]] = seen([to[0] - from[0]], [to[1] - from[1]]);
  return [...numbers, sign(from[0], from[1], u, v, { text: "➤", textangle: (-Math.atan2(over, right) * 180) / Math.PI, font: { size: 13, color: colour("--ink") } })];
}

function drawPlan() {
  const chart = $("#plan");
  const laps = data.laps.length ? [...rivals().map((lap) => trace(lap.x, lap.y, { line: { color: rivalColour(lap), width: 1.2 } })), ...levels(focused())] : [];
  const axis = { visible: false, showgrid: false, zeroline: false };
  const shape = {
    height: planHeight(chart.clientWidth), margin: { l: 8, r: 8, t: 8, b: 8 }, showlegend: false, hovermode: false, dragmode: touch ? false : "zoom",
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: font(), annotations: signs(),
    xaxis: { ...axis, ...window_(0) }, yaxis: { ...axis, ...window_(1), scaleanchor: "x", scaleratio: 1 },
  };
  Plotly.react(chart, [...road(), ...laps], shape, CONFIG);
  drawNorth();
}

function planHeight(width) {
  const [x, y] = seen(...data.plan.left);
  const ratio = (Math.max(...y) - Math.min(...y)) / (Math.max(...x) - Math.min(...x) || 1);
  return Math.round(Math.max(260, Math.min(upright() ? 640 : 560, width * ratio * 1.12 + 16)));
}

// The part of the plan that the charts are zoomed to.
function window_(k) {
  const side = [data.plan.left, data.plan.right].map((edge) => seen(...edge.map((axis) => axis.map((v) => v / 100)))[k]);
  const [from, to] = range();
  const inside = side.flatMap((edge) => edge.filter((_, i) => {
    const station = (i / (edge.length - 1)) * data.length_m;
    return station >= from && station <= to;
  }));
  const values = inside.length ? inside : side.flat();
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const pad = Math.max(4, (high - low) * 0.03);
  return { range: [low - pad, high + pad], autorange: false };
}

function drawNorth() {
  const [x, y] = data.plan.north;
  const [u, v] = upright() ? [-y, x] : [x, y];
  $("#north").style.setProperty("--turn", `${(Math.atan2(u, v) * 180) / Math.PI}deg`);
}

function drawScale() {
  const [low, high] = data.speed_range;
  const bar = document.createElement("i");
  bar.style.background = `linear-gradient(90deg, ${data.colours.join(",")})`;
  const words = [`${low} km/h`, `${high} km/h`].map((text) => Object.assign(document.createElement("span"), { textContent: text }));
  $("#scale").replaceChildren(words[0], bar, words[1]);
}

// Where a point of the plan lies in its element, and the reverse.
function axes() {
  const { xaxis, yaxis } = $("#plan")._fullLayout;
  return [xaxis, yaxis];
}

function cursorPlan(station) {
  const dot = $("#dot");
  const x = station === null || !data.laps.length ? null : at(focused(), "x", station);
  dot.hidden = x === null || x === undefined;
  if (dot.hidden) return;
  const [u, v] = seen([x], [at(focused(), "y", station)]);
  const [across, up] = axes();
  const [left, top] = [across._offset + across.l2p(u[0]), up._offset + up.l2p(v[0])];
  dot.hidden = left < 0 || top < 0 || left > $("#plan").clientWidth || top > $("#plan").clientHeight;
  dot.style.transform = `translate(${left}px, ${top}px)`;
}

function stationOnPlan(event) {
  const box = $("#plan").getBoundingClientRect();
  const [across, up] = axes();
  const u = across.p2l(event.clientX - box.left - across._offset);
  const v = up.p2l(event.clientY - box.top - up._offset);
  const [xs, ys] = seen(focused().x, focused().y);
  let nearest = null;
  let least = Infinity;
  for (let i = 0; i < data.points; i++) {
    if (xs[i] === null) continue;
    const square = (xs[i] - u) ** 2 + (ys[i] - v) ** 2;
    if (square < least) [least, nearest] = [square, i];
  }
  return nearest === null ? null : nearest * data.step;
}

function drawGrip() {
  if ($("#grip").hidden) return;
  const lap = focused();
  const [from, to] = range();
  const keep = data.stations.map((s, i) => i).filter((i) => data.stations[i] >= from && data.stations[i] <= to && lap.ax[i] !== null);
  const [low, high] = data.speed_range;
  const dots = { type: "scatter", mode: "markers", x: keep.map((i) => -lap.ay[i]), y: keep.map((i) => lap.ax[i]), hoverinfo: "skip", marker: { size: 3.5, opacity: 0.8, color: keep.map((i) => lap.speed[i]), cmin: low, cmax: high, colorscale: data.colours.map((c, k) => [k / (data.colours.length - 1), c]) } };
  const most = Math.max(1, ...data.laps.flatMap((l) => [...l.ax, ...l.ay].map((v) => Math.abs(v || 0))));
  const edge = Math.ceil(most * 2.1) / 2;
  const rings = Array.from({ length: Math.floor(edge / 0.5) }, (_, k) => (k + 1) * 0.5).map((r) => ({ type: "circle", layer: "below", x0: -r, x1: r, y0: -r, y1: r, line: { color: colour("--grid"), width: 1 } }));
  const axis = { range: [-edge, edge], fixedrange: true, showgrid: false, zeroline: true, zerolinecolor: colour("--zero"), dtick: edge > 2 ? 1 : 0.5, tickformat: "~g" };
  Plotly.react($("#gg"), [dots], {
    height: 350, margin: { l: 48, r: 8, t: 4, b: 40 }, font: font(), showlegend: false, hovermode: false, dragmode: false, shapes: rings,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    xaxis: { ...axis, title: { text: "lateral, g: bends to the left at the left", standoff: 6 } },
    yaxis: { ...axis, scaleanchor: "x", title: { text: "braking – driving, g", standoff: 2 } },
  }, { ...CONFIG, staticPlot: true });
}
