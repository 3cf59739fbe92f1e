// A figure for each scenario: four charts over one time axis, the mode above them.

const CHARTS = [
  { title: "Speed, km/h", domain: [0.76, 1], lines: [["target", "--command", "target"], ["speed", "--accent", "driven"]], floor: true },
  { title: "Commands", domain: [0.51, 0.70], lines: [["pressed", "--command", "brake pressed, bar"], ["throttle", "--accent", "throttle, %"], ["brake", "--hot", "brake, bar"]], floor: true },
  { title: "Steering, left +, °", domain: [0.26, 0.45], lines: [["steer_command", "--command", "command"], ["steer", "--accent", "wheels"]], zero: true },
  { title: "Off the line, left +, m", domain: [0, 0.20], lines: [["edge_margin", "--command", "margin to the edge"], ["cross_track", "--accent", "cross-track"]], zero: true },
];
const HEIGHT = 560;
const TOP = 52;
const MODES = ["#d5d8de", "#a99bd8", "--accent", "#fb9f3a", "#cc2b4b"];
const paint = (name) => (name.startsWith("--") ? colour(name) : name);

function unscale(run) {
  const t = run.t.map((v) => v / 1000);
  const columns = Object.entries(run.columns).map(([name, column]) => [name, column.map((v) => (v === null ? null : v / 10 ** run.digits[name]))]);
  return { ...run, t, columns: Object.fromEntries(columns) };
}

const axis = (k) => (k === 0 ? "y" : `y${k + 1}`);

function lines(run) {
  return CHARTS.flatMap((chart, k) => chart.lines.map(([column, stroke], i) => ({
    type: "scatter", mode: "lines", x: run.t, y: run.columns[column], xaxis: "x", yaxis: axis(k), hoverinfo: "skip",
    line: { color: paint(stroke), width: i === chart.lines.length - 1 ? 1.7 : 1.2, simplify: false },
  })));
}

function titles() {
  return CHARTS.map((chart) => {
    const key = chart.lines.map(([, stroke, text]) => `<span style="color:${paint(stroke)}"><b>${text}</b></span>`).join("   ");
    return { xref: "paper", yref: "paper", x: 0, y: chart.domain[1], xanchor: "left", yanchor: "bottom", showarrow: false, align: "left", bgcolor: "#fff", borderpad: 1, text: `${chart.title}   ${key}`, font: { size: 11, color: colour("--muted") } };
  });
}

const upright = (x, stroke, dash) => ({ type: "line", xref: "x", yref: "paper", x0: x, x1: x, y0: 0, y1: 1, line: { color: stroke, width: 1.2, dash } });

// Where the two instants lie close together, one name goes to each side.
function instants(run) {
  const [from, to] = [run.t[0], run.t.at(-1)];
  const label = (x, text, stroke, xanchor) => ({ xref: "x", yref: "paper", x, y: -0.005, yanchor: "bottom", xanchor, showarrow: false, text, bgcolor: "rgba(255,255,255,0.85)", font: { size: 10, color: stroke } });
  const found = [];
  const inside = (x) => x !== null && x >= from && x <= to;
  if (inside(run.fault)) found.push([run.fault, "fault", colour("--hot"), "right", "dot"]);
  if (inside(run.reaction)) found.push([run.reaction, "reaction", colour("--ink"), "left", "dash"]);
  return { shapes: found.map(([x, , stroke, , dash]) => upright(x, stroke, dash)), labels: found.map(([x, text, stroke, side]) => label(x, text, stroke, side)) };
}

function band(run) {
  const place = { type: "rect", xref: "x", yref: "paper", y0: 1.055, y1: 1.08, line: { width: 0 }, layer: "above" };
  const bars = run.modes.map(([x0, x1, mode]) => ({ ...place, x0, x1, fillcolor: paint(MODES[mode] ?? MODES[0]) }));
  const span = run.t.at(-1) - run.t[0];
  const names = run.modes.filter(([a, b]) => b - a > span * 0.12).map(([a, , , text]) => ({ xref: "x", yref: "paper", x: a, y: 1.08, xanchor: "left", yanchor: "bottom", showarrow: false, text, font: { size: 11, color: colour("--muted") } }));
  return { bars, names };
}

function layout(run) {
  const { shapes, labels } = instants(run);
  const { bars, names } = band(run);
  const made = {
    height: HEIGHT, margin: { l: 46, r: 10, t: TOP, b: 26 }, font: font(), showlegend: false, hovermode: false, dragmode: touch ? false : "zoom",
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", shapes: [...shapes, ...bars], annotations: [...titles(), ...labels, ...names],
    xaxis: { range: [run.t[0], run.t.at(-1)], showgrid: false, zeroline: false, showline: true, linecolor: colour("--zero"), ticks: "outside", ticklen: 4, tickcolor: colour("--zero"), ticksuffix: " s", anchor: axis(CHARTS.length - 1), nticks: innerWidth < 600 ? 5 : 12 },
  };
  CHARTS.forEach((chart, k) => {
    made[k === 0 ? "yaxis" : `yaxis${k + 1}`] = { domain: chart.domain, fixedrange: true, gridcolor: colour("--grid"), zeroline: Boolean(chart.zero), zerolinecolor: colour("--zero"), zerolinewidth: 1, nticks: 4, ticklabelstandoff: 5, rangemode: chart.floor ? "tozero" : "normal" };
  });
  return made;
}

async function start() {
  await loadLibrary();
  const runs = JSON.parse(await unpack("#payload")).map(unscale);
  const places = document.querySelectorAll(".run");
  runs.forEach((run, k) => {
    if (!run.t.length) places[k].innerHTML = '<p class="none">Nothing was driven.</p>';
    else Plotly.newPlot(places[k], lines(run), layout(run), { ...CONFIG, doubleClick: "reset" });
  });
  addEventListener("beforeprint", fitPaper);
  addEventListener("afterprint", fitPaper);
}

start().then(() => document.documentElement.classList.add("ready"), (error) => trouble(`The charts could not be drawn: ${error.message}`));
