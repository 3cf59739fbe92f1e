"use strict";
// What every page needs: its places, colours and fonts, and its packed parts.

const $ = (selector) => document.querySelector(selector);
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const touch = matchMedia("(pointer: coarse)").matches;
const CONFIG = { displayModeBar: false, responsive: true, doubleClick: false, showTips: false };

async function unpack(id) {
  const packed = Uint8Array.from(atob($(id).textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Response(stream).text();
}

// The library is carried packed, and becomes a script of the page.
async function loadLibrary() {
  if (typeof DecompressionStream === "undefined") throw new Error("this browser is too old to unpack them (Chrome 80, Firefox 113, Safari 16.4 or newer)");
  const script = document.createElement("script");
  script.textContent = await unpack("#library");
  document.head.append(script);
}

function shown(value, digits) {
  if (value === null || value === undefined) return "–";
  return value.toFixed(digits).replace("-", "−");
}

function font() {
  return { family: getComputedStyle(document.body).fontFamily, size: 11, color: colour("--muted") };
}

// Paper is narrower than most screens, and a chart keeps its width when it is printed.
const PAPER_PX = 1000;
function fitPaper(event) {
  const share = Math.min(1, PAPER_PX / document.body.clientWidth);
  for (const chart of document.querySelectorAll(".js-plotly-plot"))
    if (chart.clientWidth) Plotly.relayout(chart, event.type === "beforeprint" ? { width: Math.floor(chart.clientWidth * share), autosize: false } : { width: null, autosize: true });
}

function trouble(text) {
  Object.assign($("#trouble"), { textContent: text, hidden: false });
}
