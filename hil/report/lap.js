// The data and what is chosen of it. Columns arrive as whole numbers, see columns.py.

const RIVALS = ["#ed7953", "#bd3786", "#fb9f3a", "#9c179e", "#d8576b"];

let data = null;
const chosen = { focus: 0, against: new Set(), range: null };

function decode(text) {
  const read = JSON.parse(text);
  for (const lap of read.laps)
    for (const [name, column] of Object.entries(lap.columns)) {
      const scale = 10 ** read.digits[name];
      lap[name] = column.map((v) => (v === null ? null : v / scale));
    }
  read.step = read.length_m / (read.points - 1);
  read.stations = Array.from({ length: read.points }, (_, i) => i * read.step);
  return read;
}

const focused = () => data.laps[chosen.focus];
const rivals = () => data.laps.filter((_, i) => chosen.against.has(i) && i !== chosen.focus);
const rivalColour = (lap) => RIVALS[[...chosen.against].indexOf(data.laps.indexOf(lap)) % RIVALS.length];
const range = () => chosen.range || [0, data.length_m];
const at = (lap, name, station) => lap[name][Math.round(station / data.step)];

// How much later than the focused lap a rival passes each station.
function delta(rival) {
  const own = focused().time;
  return rival.time.map((t, i) => (t === null || own[i] === null ? null : t - own[i]));
}

function lapTime(seconds) {
  if (seconds === null) return "not completed";
  const ms = Math.round(seconds * 1000);
  const rest = ((ms % 60000) / 1000).toFixed(3).padStart(6, "0");
  return `${Math.floor(ms / 60000)}:${rest}`;
}

