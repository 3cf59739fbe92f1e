// Six charts over one time axis: what was commanded, and what would have been; both modes above.

const CHARTS = [
  { title: "Speed, km/h", lines: [["was_target", "--command", "target then"], ["would_target", "--hot", "target with it"], ["speed", "--accent", "driven"]] },
  { title: "Steering, left +, °", lines: [["was_steer", "--accent", "then"], ["would_steer", "--hot", "with it"]], zero: true },
  { title: "Steering, difference, °", lines: [["apart_steer", "--ink", "with it − then"]], zero: true },
  { title: "Throttle, %", lines: [["was_throttle", "--accent", "then"], ["would_throttle", "--hot", "with it"]] },
  { title: "Brake, bar", lines: [["was_brake", "--accent", "then"], ["would_brake", "--hot", "with it"]] },
  { title: "Off the line as the host reckons, left +, m", lines: [["was_cross_track", "--accent", "then"], ["would_cross_track", "--hot", "with it"]], zero: true },
];
const HEIGHT = 860;
const TOP = 76;
const GAP = 0.05;
const MODES = ["#d5d8de", "#a99bd8", "--accent", "#fb9f3a", "#cc2b4b"];
const paint = (name) => (name.startsWith("--") ? colour(name) : name);
const share = (1 - GAP * (CHARTS.length - 1)) / CHARTS.length;
const domain = (k) => [1 - (k + 1) * share - k * GAP, 1 - k * (share + GAP)];
const axis = (k) => (k === 0 ? "y" : `y${k + 1}`);

function unscale(run) {
  const columns = Object.entries(run.columns).map(([name, column]) => [name, column.map((v) => (v === null ? null : v / 10 ** run.digits[name]))]);
  return { ...run, t: run.t.map((v) => v / 1000), columns: Object.fromEntries(columns) };
}

function lines(run) {
  return CHARTS.flatMap((chart, k) => chart.lines.map(([column, stroke], i) => ({
    type: "scatter", mode: "lines", x: run.t, y: run.columns[column], xaxis: "x", yaxis: axis(k), hoverinfo: "skip",
    line: { color: paint(stroke), width: i === chart.lines.length - 1 ? 1.2 : 1.7, simplify: false },
  })));
}

function titles() {
  return CHARTS.map((chart, k) => {
    const key = chart.lines.map(([, stroke, text]) => `<span style="color:${paint(stroke)}"><b>${text}</b></span>`).join("   ");
    return { xref: "paper", yref: "paper", x: 0, y: domain(k)[1], xanchor: "left", yanchor: "bottom", showarrow: false, align: "left", bgcolor: "#fff", borderpad: 1, text: `${chart.title}   ${key}`, font: { size: 11, color: colour("--muted") } };
  });
}

// A band of modes each for what was and what would have been.
function bands(run) {
  const place = { type: "rect", xref: "x", yref: "paper", line: { width: 0 }, layer: "above" };
  const rows = [[run.was_modes, "then", 1.062], [run.would_modes, "with it", 1.042]];
  const bars = rows.flatMap(([modes, , y]) => modes.map(([x0, x1, mode]) => ({ ...place, x0, x1, y0: y, y1: y + 0.014, fillcolor: paint(MODES[mode] ?? MODES[0]) })));
  const names = rows.map(([, text, y]) => ({ xref: "paper", yref: "paper", x: -0.004, y: y + 0.007, xanchor: "right", yanchor: "middle", showarrow: false, text, font: { size: 10, color: colour("--muted") } }));
  return { bars, names };
}

function layout(run) {
  const { bars, names } = bands(run);
  const made = {
    height: HEIGHT, margin: { l: 54, r: 10, t: TOP, b: 26 }, font: font(), showlegend: false, hovermode: false, dragmode: touch ? false : "zoom",
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", shapes: bars, annotations: [...titles(), ...names],
    xaxis: { range: [run.t[0], run.t.at(-1)], showgrid: false, zeroline: false, showline: true, linecolor: colour("--zero"), ticks: "outside", ticklen: 4, tickcolor: colour("--zero"), ticksuffix: " s", anchor: axis(CHARTS.length - 1), nticks: innerWidth < 600 ? 5 : 12 },
  };
  CHARTS.forEach((chart, k) => {
    made[k === 0 ? "yaxis" : `yaxis${k + 1}`] = { domain: domain(k), fixedrange: true, gridcolor: colour("--grid"), zeroline: Boolean(chart.zero), zerolinecolor: colour("--zero"), zerolinewidth: 1, nticks: 4, ticklabelstandoff: 5, rangemode: chart.zero ? "normal" : "tozero" };
  });
  return made;
}

async function start() {
  await loadLibrary();
  const run = unscale(JSON.parse(await unpack("#payload")));
  Plotly.newPlot($(".run"), lines(run), layout(run), { ...CONFIG, doubleClick: "reset" });
  addEventListener("beforeprint", fitPaper);
  addEventListener("afterprint", fitPaper);
}

start().then(() => document.documentElement.classList.add("ready"), (error) => trouble(`The charts could not be drawn: ${error.message}`));
