"use strict";

// Theme ------------------------------------------------------------------------------------------------------

const root = document.documentElement;
const themeButton = document.getElementById("theme");
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches;
}

function themeChanged() {
  themeButton.textContent = isDark() ? "Light theme" : "Dark theme";
  groups.forEach((group) => { drawBar(group); requestDraw(group); });
}

// Tables -----------------------------------------------------------------------------------------------------

function cellValue(row, column) {
  const text = row.cells[column].firstChild ? row.cells[column].firstChild.textContent.trim() : "";
  const number = Number(text.split(" ± ")[0].replaceAll(",", "").replace("∞", "Infinity"));
  return text === "" || text === "–" ? null : Number.isNaN(number) ? text : number;
}

// Numbers before words, nothing last whichever way.
function compare(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return sign * (typeof a === "number" ? a - b : a.localeCompare(b));
}

function sortBy(table, column) {
  const headers = table.tHead.rows[0].cells;
  const sign = headers[column].getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const header of headers) header.removeAttribute("aria-sort");
  headers[column].setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
  for (const body of table.tBodies) {
    const rows = rowsOf(body).map((row) => [cellValue(row, column), row]);
    rows.sort((one, other) => compare(one[0], other[0], sign));
    body.append(...rows.map(([, row]) => row));
  }
}

// The rows of a section without its heading.
function rowsOf(body) {
  return Array.from(body.rows).filter((row) => !row.classList.contains("section"));
}

for (const table of document.querySelectorAll("table.sortable")) {
  Array.from(table.tHead.rows[0].cells).forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    button.addEventListener("click", () => sortBy(table, column));
    header.append(button);
  });
}

// Show the rows that hold every word, in the row or in the heading of its section.
function filterTable(table, text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const body of table.tBodies) {
    const heading = body.querySelector(".section");
    let here = 0;
    for (const row of rowsOf(body)) {
      const own = `${heading ? heading.textContent : ""} ${row.textContent}`.toLowerCase();
      const all = `${own} ${own.replaceAll("_", " ")}`;
      row.hidden = !words.every((word) => all.includes(word));
      here += row.hidden ? 0 : 1;
    }
    body.hidden = here === 0;
    found += here;
  }
  return found;
}

for (const filter of document.querySelectorAll(".filter")) {
  const table = filter.nextElementSibling.querySelector("table");
  const input = filter.querySelector("input");
  const count = Array.from(table.tBodies, (body) => rowsOf(body).length).reduce((one, other) => one + other, 0);
  const say = (found) => { filter.querySelector("span").textContent = `${found} of ${count}`; };
  filter.hidden = false;
  say(count);
  input.addEventListener("input", () => say(filterTable(table, input.value)));
}

// A box that is narrower than its table ends after a whole column, and says that it scrolls.
function fitTable(box) {
  const { table, hint } = box;
  const element = box.element;
  element.style.width = "";
  const more = element.scrollWidth > element.clientWidth + 1;
  hint.hidden = !more;
  element.classList.toggle("more", more);
  if (!more) return;
  const start = element.getBoundingClientRect().left - element.scrollLeft;
  const [, ...edges] = Array.from(table.tHead.rows[0].cells, (cell) => cell.getBoundingClientRect().right - start);
  const whole = Math.max(0, ...edges.filter((edge) => edge <= element.clientWidth));
  if (whole > 0) element.style.width = `${Math.ceil(whole) + 1}px`;
}

const boxes = Array.from(document.querySelectorAll(".scroll"), (element) => {
  const hint = document.createElement("p");
  hint.className = "hint";
  hint.textContent = "Scroll the table sideways to see all columns.";
  element.before(hint);
  return { element, hint, table: element.querySelector("table") };
});
const fitTables = () => boxes.forEach(fitTable);
for (const details of document.querySelectorAll("details")) details.addEventListener("toggle", fitTables);

// Items on two singular directions ---------------------------------------------------------------------------

const MARGIN = { left: 44, top: 6, right: 6, bottom: 34 };
const NEAR = 12;
const PAGE = 100;
const STEPS = 1000;
const FRAME = 8;
const data = JSON.parse(document.getElementById("points").textContent);

function numbers(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Uint16Array(bytes.buffer);
}

// Each item's frequency, from [frequency, items] pairs; items come by rising frequency.
function expanded(counts, n) {
  if (!counts) return null;
  const frequency = new Uint32Array(n);
  let at = 0;
  for (const [value, items] of counts) frequency.fill(value, at, at += items);
  return frequency;
}

function makeGroup(element) {
  const source = data.groups[Number(element.dataset.group)];
  const catalogues = source.catalogues.map((catalogue) => (
    { ids: catalogue.ids, of: catalogue.of, frequency: expanded(catalogue.counts, catalogue.ids.length) }
  ));
  const values = new Set();
  for (const catalogue of catalogues) if (catalogue.frequency) catalogue.frequency.forEach((f) => values.add(f));
  const group = {
    element, catalogues, limits: source.limits, frequencies: Array.from(values).sort((a, b) => a - b),
    ends: [element.querySelector(".low"), element.querySelector(".high")], stale: new Set(),
  };
  // Which of the frequencies the brush goes from and to.
  group.range = [0, Math.max(0, group.frequencies.length - 1)];
  group.panels = Array.from(element.querySelectorAll(".plot canvas"), (canvas) => {
    const panel = source.panels[Number(canvas.dataset.panel)];
    return {
      canvas, name: panel.name, catalogue: catalogues[panel.catalogue], longest: panel.longest,
      x: numbers(panel.x), y: numbers(panel.y), norm: numbers(panel.norm),
      halo: canvas.parentNode.querySelector(".halo"), tip: canvas.parentNode.querySelector(".tip"), chosen: -1,
    };
  });
  return group;
}

function rgb(color) {
  return color[0] === "#"
    ? [1, 3, 5].map((at) => parseInt(color.slice(at, at + 2), 16))
    : color.match(/[\d.]+/g).slice(0, 3).map(Number);
}

// 0 for an item that was seen once, 1 for the most frequent of the group.
function onLogScale(group, frequency) {
  const highest = Math.max(10, group.frequencies[group.frequencies.length - 1]);
  return Math.log(Math.max(frequency, 1)) / Math.log(highest);
}

function colorsOf(group) {
  const scale = data.colors[isDark() ? "dark" : "light"].map(rgb);
  const unseen = rgb(data.colors.unseen);
  const plain = scale[Math.round(0.6 * (scale.length - 1))];
  return (frequency) => {
    if (frequency === null) return plain;
    return frequency === 0 ? unseen : scale[Math.round(onLogScale(group, frequency) * (scale.length - 1))];
  };
}

function chosenRange(group) {
  if (!group.frequencies.length) return [0, Infinity];
  return group.range.map((index) => group.frequencies[index]);
}

// The items of a catalogue from `low` to `high`: their places, for they come by rising frequency.
function span(catalogue, [low, high]) {
  if (!catalogue.frequency) return [0, catalogue.ids.length];
  return [firstAbove(catalogue.frequency, low - 1), firstAbove(catalogue.frequency, high)];
}

function firstAbove(sorted, value) {
  let start = 0;
  let end = sorted.length;
  while (start < end) {
    const middle = (start + end) >> 1;
    if (sorted[middle] > value) end = middle; else start = middle + 1;
  }
  return start;
}

// Lay out a panel: how large it is, and where each item stands in it, in CSS pixels.
function layOut(group, panel) {
  const [x0, x1, y0, y1] = group.limits;
  panel.whole = panel.canvas.parentNode.clientWidth;
  const width = panel.whole - MARGIN.left - MARGIN.right;
  const height = Math.round(width * (y1 - y0) / (x1 - x0));
  panel.width = width;
  panel.height = height;
  panel.ratio = Math.min(window.devicePixelRatio || 1, 2);
  panel.canvas.style.height = `${height + MARGIN.top + MARGIN.bottom}px`;
  panel.canvas.width = Math.round((width + MARGIN.left + MARGIN.right) * panel.ratio);
  panel.canvas.height = Math.round((height + MARGIN.top + MARGIN.bottom) * panel.ratio);
  panel.image = new ImageData(panel.canvas.width, panel.canvas.height);
  panel.px = Float32Array.from(panel.x, (value) => MARGIN.left + value / 65535 * width);
  panel.py = Float32Array.from(panel.y, (value) => MARGIN.top + (1 - value / 65535) * height);
  panel.places = Int32Array.from(panel.px, (x, item) => (
    4 * (Math.round(panel.py[item] * panel.ratio) * panel.canvas.width + Math.round(x * panel.ratio))
  ));
}

// The pixels around an item that its dot covers, or its cross where training never saw it: how far on they lie
// in the picture, and with how much of its colour.
function stamp(diameter, cross, opacity, width) {
  const reach = Math.ceil(diameter / 2);
  const offsets = [];
  const shares = [];
  for (let y = -reach; y <= reach; y++) {
    for (let x = -reach; x <= reach; x++) {
      const beyond = cross ? Math.abs(Math.abs(x) - Math.abs(y)) : Math.hypot(x, y) - diameter / 2 + 0.5;
      const cover = Math.min(1, Math.max(0, 1 - beyond));
      if (cover === 0) continue;
      offsets.push(4 * (y * width + x));
      shares.push(opacity * cover);
    }
  }
  return { offsets: Int32Array.from(offsets), shares: Float32Array.from(shares) };
}

function dotSize(n) {
  return Math.min(5, Math.max(1.9, 24 / Math.sqrt(Math.sqrt(n)) - 0.6));
}

function blend(pixels, mark, place, color) {
  const { offsets, shares } = mark;
  const [red, green, blue] = color;
  for (let k = 0; k < offsets.length; k++) {
    const at = place + offsets[k];
    const share = shares[k];
    pixels[at] += share * (red - pixels[at]);
    pixels[at + 1] += share * (green - pixels[at + 1]);
    pixels[at + 2] += share * (blue - pixels[at + 2]);
  }
}

function drawPanel(group, panel) {
  const { canvas, ratio, catalogue, image, places } = panel;
  const context = canvas.getContext("2d", { alpha: false });
  const style = getComputedStyle(canvas);
  const pixels = image.data;
  const [red, green, blue] = rgb(style.backgroundColor);
  new Uint32Array(pixels.buffer).fill(0xff000000 | (blue << 16) | (green << 8) | red);
  const n = catalogue.ids.length;
  const size = dotSize(n) * ratio;
  const faint = stamp(size, false, 0.5, canvas.width);
  const dot = stamp(size, false, 0.75, canvas.width);
  const cross = stamp(2.2 * size, true, 0.75, canvas.width);
  const [from, to] = span(catalogue, chosenRange(group));
  const colors = colorsOf(group);
  const quiet = rgb(style.borderTopColor);
  drawZeroLines(group, panel, quiet);
  for (let i = 0; i < from; i++) blend(pixels, faint, places[i], quiet);
  for (let i = to; i < n; i++) blend(pixels, faint, places[i], quiet);
  let frequency;
  let color;
  for (let i = from; i < to; i++) {
    const own = catalogue.frequency ? catalogue.frequency[i] : null;
    if (own !== frequency) color = colors(frequency = own);
    blend(pixels, own === 0 ? cross : dot, places[i], color);
  }
  context.putImageData(image, 0, 0);
  drawAxes(context, group, panel, style);
  canvas.dataset.shown = to - from;
}

// The cross-hair at the origin, below the items.
function drawZeroLines(group, panel, color) {
  const { image, ratio, width, height } = panel;
  const [x0, x1, y0, y1] = group.limits;
  const at = Math.round(ratio * (MARGIN.left - x0 / (x1 - x0) * width));
  const up = Math.round(ratio * (MARGIN.top + (1 + y0 / (y1 - y0)) * height));
  const pixel = { offsets: [0], shares: [1] };
  const end = { x: ratio * (MARGIN.left + width), y: ratio * (MARGIN.top + height) };
  for (let thick = 0; thick < Math.round(ratio); thick++) {
    for (let y = Math.round(ratio * MARGIN.top); y < end.y; y++) blend(image.data, pixel, 4 * (y * image.width + at + thick), color);
    for (let x = Math.round(ratio * MARGIN.left); x < end.x; x++) blend(image.data, pixel, 4 * ((up + thick) * image.width + x), color);
  }
}

// Round numbers from `low` to `high`, about `most` of them.
function ticks(low, high, most) {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((base) => base * power >= rough);
  const found = [];
  for (let k = Math.ceil(low / step); k <= Math.floor(high / step); k++) found.push(Number((k * step).toPrecision(12)));
  return found;
}

function drawAxes(context, group, panel, style) {
  const { ratio, width, height } = panel;
  const [x0, x1, y0, y1] = group.limits;
  const across = (x) => MARGIN.left + (x - x0) / (x1 - x0) * width;
  const up = (y) => MARGIN.top + (1 - (y - y0) / (y1 - y0)) * height;
  context.save();
  context.scale(ratio, ratio);
  context.font = `12px ${style.fontFamily}`;
  context.fillStyle = style.color;
  context.strokeStyle = style.borderTopColor;
  context.lineWidth = 1;
  context.textAlign = "center";
  context.textBaseline = "top";
  const line = (a, b, c, d) => { context.beginPath(); context.moveTo(a, b); context.lineTo(c, d); context.stroke(); };
  for (const x of ticks(x0, x1, width / 60)) {
    line(across(x), MARGIN.top + height, across(x), MARGIN.top + height + 4);
    context.fillText(String(x), across(x), MARGIN.top + height + 6);
  }
  context.fillText("σ₁u₁", MARGIN.left + width / 2, MARGIN.top + height + 20);
  context.textAlign = "right";
  context.textBaseline = "middle";
  for (const y of ticks(y0, y1, height / 45)) {
    line(MARGIN.left - 4, up(y), MARGIN.left, up(y));
    context.fillText(String(y), MARGIN.left - 7, up(y));
  }
  context.strokeRect(MARGIN.left + 0.5, MARGIN.top + 0.5, width - 1, height - 1);
  context.translate(9, MARGIN.top + height / 2);
  context.rotate(-Math.PI / 2);
  context.textAlign = "center";
  context.fillText("σ₂u₂", 0, 0);
  context.restore();
}

// Draw what is stale within a frame's time and the rest in the next, so that the page answers while it draws.
function requestDraw(group) {
  for (const panel of group.panels) group.stale.add(panel);
  if (group.element.ariaBusy === "true") return;
  group.element.ariaBusy = "true";
  requestAnimationFrame(() => drawStale(group));
}

function drawStale(group) {
  const start = performance.now();
  for (const panel of group.stale) {
    group.stale.delete(panel);
    drawPanel(group, panel);
    if (performance.now() - start > FRAME) break;
  }
  if (group.stale.size) requestAnimationFrame(() => drawStale(group));
  else group.element.ariaBusy = "false";
}

// Where a frequency stands on the bar, 0 to 1: on a log scale, to the right of the unseen ones if there are any.
function onBar(group, frequency) {
  const unseen = group.frequencies[0] === 0 ? 0.07 : 0;
  return frequency === 0 ? 0 : unseen + (1 - unseen) * onLogScale(group, frequency);
}

function drawBar(group) {
  if (!group.frequencies.length) return;
  const bar = group.element.querySelector(".bar");
  bar.width = 512;
  bar.height = 1;
  const context = bar.getContext("2d");
  const colors = colorsOf(group);
  const highest = Math.max(10, group.frequencies[group.frequencies.length - 1]);
  const start = onBar(group, 1);
  for (let x = 0; x < bar.width; x++) {
    const place = (x / bar.width - start) / (1 - start);
    context.fillStyle = `rgb(${colors(place < 0 ? 0 : highest ** place).join(" ")})`;
    context.fillRect(x, 0, 1, 1);
  }
}

function labelBar(group) {
  const highest = Math.max(10, ...group.frequencies.slice(-1));
  const scale = group.element.querySelector(".scale");
  const named = group.frequencies[0] === 0 ? [0] : [];
  for (let power = 1; power <= highest; power *= 10) named.push(power);
  if (highest > 2 * named[named.length - 1]) named.push(highest);
  for (const frequency of named) {
    const label = document.createElement("span");
    label.textContent = frequency.toLocaleString("en");
    const place = onBar(group, frequency);
    // The middle of a slider's thumb does not reach the bar's ends.
    label.style.left = `calc(${100 * place}% + ${7 - 14 * place}px)`;
    if (place === 0) label.className = "first";
    if (place === 1) label.className = "last";
    scale.append(label);
  }
}

// The brush --------------------------------------------------------------------------------------------------

function rangeChanged(group) {
  const [low, high] = chosenRange(group);
  if (group.frequencies.length) {
    group.ends.forEach((input, end) => {
      const frequency = group.frequencies[group.range[end]];
      input.value = Math.round(STEPS * onBar(group, frequency));
      input.setAttribute("aria-valuetext", `frequency ${frequency}`);
    });
    // Where both ends meet, the one that can still move lies on top.
    group.ends[0].style.zIndex = group.range[0] > 0 ? 1 : 0;
  }
  const catalogue = group.catalogues[0];
  const [from, to] = span(catalogue, [low, high]);
  const number = (value) => value.toLocaleString("en");
  const sampled = catalogue.of > catalogue.ids.length
    ? ` These ${number(catalogue.ids.length)} are a sample by frequency of ${number(catalogue.of)} items.` : "";
  const unseen = low === 0 ? "; crosses: unseen in training" : "";
  const range = group.frequencies.length ? `, frequency ${number(low)} to ${number(high)}${unseen}` : "";
  group.element.querySelector(".shown").textContent =
    `${number(to - from)} of ${number(catalogue.ids.length)} items${range}.${sampled}`;
  for (const panel of group.panels) if (!isShown(group, panel, panel.chosen)) choose(group, panel, -1);
  requestDraw(group);
}

function isShown(group, panel, item) {
  const [from, to] = span(panel.catalogue, chosenRange(group));
  return item >= from && item < to;
}

// Move an end to a frequency by its index; the other gives way.
function moveEnd(group, end, index) {
  const last = group.frequencies.length - 1;
  group.range[end] = Math.min(Math.max(index, 0), last);
  if (group.range[0] > group.range[1]) group.range[1 - end] = group.range[end];
  rangeChanged(group);
}

function prepareBrush(group) {
  const last = group.frequencies.length - 1;
  const jump = Math.max(1, Math.round(last / 10));
  group.ends.forEach((input, end) => {
    Object.assign(input, { min: 0, max: STEPS, step: 1 });
    input.addEventListener("input", () => {
      const away = (frequency) => Math.abs(STEPS * onBar(group, frequency) - input.value);
      const near = group.frequencies.reduce((one, other) => (away(other) < away(one) ? other : one));
      moveEnd(group, end, group.frequencies.indexOf(near));
    });
    // A key goes on to the next frequency that occurs, however near on the log scale.
    input.addEventListener("keydown", (event) => {
      const at = group.range[end];
      const goal = {
        ArrowRight: at + 1, ArrowUp: at + 1, ArrowLeft: at - 1, ArrowDown: at - 1,
        PageUp: at + jump, PageDown: at - jump, Home: 0, End: last,
      }[event.key];
      if (goal === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      moveEnd(group, end, goal);
    });
  });
  group.element.querySelector(".all").addEventListener("click", () => {
    group.range = [0, Math.max(0, last)];
    rangeChanged(group);
  });
}

// One item: by pointer, by key, by id ------------------------------------------------------------------------

function nearest(group, panel, x, y) {
  const [from, to] = span(panel.catalogue, chosenRange(group));
  let best = -1;
  let distance = NEAR * NEAR;
  for (let i = from; i < to; i++) {
    const square = (panel.px[i] - x) ** 2 + (panel.py[i] - y) ** 2;
    if (square <= distance) { distance = square; best = i; }
  }
  return best;
}

function describe(panel, item) {
  const { frequency } = panel.catalogue;
  const length = panel.norm[item] / 65535 * panel.longest;
  return [
    panel.catalogue.ids[item],
    frequency ? `frequency ${frequency[item].toLocaleString("en")}` : "frequency unknown",
    `norm ${length.toPrecision(4)}`,
  ];
}

// Ring an item in every panel that has it, and name it in one; -1 for none.
function choose(group, panel, item) {
  for (const other of group.panels) {
    const here = item >= 0 && other.catalogue === panel.catalogue;
    other.chosen = here ? item : -1;
    other.halo.hidden = !here;
    other.tip.hidden = !here || other !== panel;
    if (here) {
      other.halo.style.left = `${other.px[item]}px`;
      other.halo.style.top = `${other.py[item]}px`;
    }
  }
  if (item < 0) return;
  const [id, ...rest] = describe(panel, item);
  const name = document.createElement("b");
  name.textContent = id;
  panel.tip.replaceChildren(name, rest.join(" · "));
  placeTip(panel, item);
}

function placeTip(panel, item) {
  const { tip } = panel;
  const right = panel.px[item] > MARGIN.left + panel.width / 2;
  const low = panel.py[item] > MARGIN.top + panel.height / 2;
  const whole = panel.canvas.parentNode;
  tip.style.left = right ? "auto" : `${panel.px[item] + 10}px`;
  tip.style.right = right ? `${whole.clientWidth - panel.px[item] + 10}px` : "auto";
  tip.style.top = low ? "auto" : `${panel.py[item] + 10}px`;
  tip.style.bottom = low ? `${whole.clientHeight - panel.py[item] + 10}px` : "auto";
}

function say(group, text) {
  group.element.querySelector(".status").textContent = text;
}

function sayItem(group, item, catalogue) {
  const panels = group.panels.filter((panel) => panel.catalogue === catalogue);
  const [id, frequency] = describe(panels[0], item);
  say(group, `${id}: ${frequency}; ${panels.map((panel) => `${panel.name} ${describe(panel, item)[2]}`).join(", ")}`);
}

function step(group, panel, key) {
  const [from, to] = span(panel.catalogue, chosenRange(group));
  const at = panel.chosen < 0 ? (key === "ArrowLeft" || key === "ArrowUp" ? to : from - 1) : panel.chosen;
  const goal = {
    ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1,
    PageDown: at + PAGE, PageUp: at - PAGE, Home: from, End: to - 1,
  }[key];
  if (goal === undefined || to <= from) return false;
  const item = Math.min(Math.max(goal, from), to - 1);
  choose(group, panel, item);
  sayItem(group, item, panel.catalogue);
  return true;
}

function preparePanel(group, panel) {
  const { canvas } = panel;
  canvas.addEventListener("pointermove", (event) => {
    const box = canvas.getBoundingClientRect();
    choose(group, panel, nearest(group, panel, event.clientX - box.left, event.clientY - box.top));
  });
  canvas.addEventListener("pointerleave", () => choose(group, panel, -1));
  canvas.addEventListener("blur", () => choose(group, panel, -1));
  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key === "Escape") { choose(group, panel, -1); say(group, ""); }
    else if (step(group, panel, event.key)) event.preventDefault();
  });
}

function prepareSearch(group) {
  const field = group.element.querySelector("input[type=search]");
  field.addEventListener("input", () => {
    const id = field.value;
    if (id === "") { choose(group, group.panels[0], -1); say(group, ""); return; }
    const panel = group.panels.find((one) => one.catalogue.ids.includes(id));
    if (!panel) { choose(group, group.panels[0], -1); say(group, "No item that is shown has this id."); return; }
    const item = panel.catalogue.ids.indexOf(id);
    if (!isShown(group, panel, item)) { say(group, "The item lies outside the chosen frequencies."); return; }
    choose(group, panel, item);
    sayItem(group, item, panel.catalogue);
  });
}

// Begin ------------------------------------------------------------------------------------------------------

const groups = Array.from(document.querySelectorAll(".items"), makeGroup);

for (const group of groups) {
  group.element.querySelector(".controls").hidden = false;
  labelBar(group);
  prepareBrush(group);
  prepareSearch(group);
  for (const panel of group.panels) {
    layOut(group, panel);
    preparePanel(group, panel);
  }
  rangeChanged(group);
}

new ResizeObserver(() => {
  fitTables();
  for (const group of groups) {
    // The page's height changes too, with every word that is said.
    const widths = group.panels.map((panel) => panel.canvas.parentNode.clientWidth);
    if (group.panels.every((panel, at) => panel.whole === widths[at] || widths[at] === 0)) continue;
    for (const panel of group.panels) { layOut(group, panel); choose(group, panel, -1); }
    requestDraw(group);
  }
}).observe(document.getElementById("main"));

themeButton.hidden = false;
themeButton.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  themeChanged();
});
prefersDark.addEventListener("change", themeChanged);
themeChanged();

// Paper is white. Drawn at once: a frame would come after the page has been printed.
let themeOnScreen;
addEventListener("beforeprint", () => {
  themeOnScreen = root.dataset.theme;
  root.dataset.theme = "light";
  groups.forEach((group) => group.panels.forEach((panel) => drawPanel(group, panel)));
});
addEventListener("afterprint", () => {
  if (themeOnScreen) root.dataset.theme = themeOnScreen; else delete root.dataset.theme;
  themeChanged();
});
