"use strict";
// What went wrong; opened as FILE?check, the page draws everything and says in <body data-check> how
// that went.
const failures = [];
window.addEventListener("error", (event) => failures.push(String(event.message)));

const specifications = JSON.parse(document.getElementById("charts").textContent);
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function significant(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e5 || size < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(4)));
}

function dataset(series, scattered) {
  const line = colour("--c" + (series.colour % 7));
  return {
    label: series.name,
    data: series.points.map(([x, y]) => ({ x, y })),
    borderColor: line,
    backgroundColor: line,
    borderWidth: scattered && !series.dashed ? 0 : series.faint ? 1 : 2,
    borderDash: series.dashed ? [6, 4] : [],
    showLine: !scattered || series.dashed,
    pointRadius: scattered ? (series.dashed ? 0 : 2) : series.faint || series.points.length > 30 ? 0 : 2.5,
    pointHitRadius: 8,
    tension: 0,
  };
}

// A curve that does not move gets an axis that begins at 0, not one from -1 to 1 around it.
function steadyRange(series) {
  const values = series.flatMap((one) => one.points.map((point) => point[1]));
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (low === 0 || high - low > 1e-6 * Math.abs(low)) return {};
  return { min: Math.min(0, 2 * low), max: Math.max(0, 2 * high) };
}

function axis(title) {
  return {
    type: "linear",
    title: { display: title !== "", text: title, color: colour("--quiet") },
    grid: { color: colour("--line"), borderColor: colour("--line") },
    ticks: { color: colour("--quiet"), maxTicksLimit: 7, callback: significant },
  };
}

function draw(canvas, specification) {
  const logarithmic = specification.logarithmic ? { type: "logarithmic" } : {};
  return new Chart(canvas, {
    type: specification.scattered ? "scatter" : "line",
    data: { datasets: specification.series.map((series) => dataset(series, specification.scattered)) },
    options: {
      animation: false,
      maintainAspectRatio: false,
      parsing: false,
      normalized: !specification.scattered,
      interaction: specification.scattered
        ? { mode: "nearest", axis: "xy", intersect: true }
        : { mode: "nearest", axis: "x", intersect: false },
      scales: {
        x: { ...axis(specification.x), ...(specification.x_logarithmic ? { type: "logarithmic" } : {}) },
        y: { ...axis(specification.unit), ...steadyRange(specification.series), ...logarithmic },
      },
      plugins: {
        legend: {
          display: specification.series.filter((series) => !series.faint).length > 1,
          position: "bottom",
          labels: {
            color: colour("--ink"),
            boxWidth: 14,
            boxHeight: specification.scattered ? 14 : 2,
            font: { size: 12 },
            filter: (item) => !specification.series[item.datasetIndex].faint,
          },
        },
        tooltip: {
          callbacks: {
            title: (items) =>
              specification.scattered ? "" : specification.x + " " + significant(items[0].parsed.x),
            label: (item) => " " + item.dataset.label + "  " + significant(item.parsed.y),
          },
        },
      },
    },
  });
}

// Charts are drawn when they come into view: a benchmark has hundreds, most of them folded away.
const drawn = new Map();

function drawOne(canvas) {
  if (drawn.has(canvas)) return;
  drawn.set(canvas, draw(canvas, specifications[Number(canvas.dataset.chart)]));
}

function canvases() {
  return Array.from(document.querySelectorAll("canvas[data-chart]"));
}

function redraw() {
  for (const [canvas, chart] of drawn) {
    chart.destroy();
    drawn.set(canvas, draw(canvas, specifications[Number(canvas.dataset.chart)]));
  }
}

function drawInView() {
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries)
        if (entry.isIntersecting) {
          observer.unobserve(entry.target);
          drawOne(entry.target);
        }
    },
    { rootMargin: "400px" },
  );
  canvases().forEach((canvas) => observer.observe(canvas));
}

// On paper nothing can be opened: methods are printed open, and every chart is drawn.
const opened = [];

function openMethods() {
  for (const method of document.querySelectorAll("details.method:not([open])")) {
    method.open = true;
    opened.push(method);
  }
  canvases().forEach(drawOne);
  redraw();
}

function closeMethods() {
  for (const method of opened.splice(0)) method.open = false;
  redraw();
}

// A link to something folded away opens what it is in.
function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const folded = target?.closest("details:not([open])");
  if (!folded) return;
  folded.open = true;
  folded.scrollIntoView();
}

// Sorting: numbers by value, cells without one last whichever way round.
function sortBy(table, column, ascending) {
  const body = table.tBodies[0];
  const text = (cell) => cell.textContent.replace(/^−/, "-");
  const key = (row) => row.cells[column].dataset.value ?? text(row.cells[column]);
  const rows = Array.from(body.rows);
  rows.sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === "" || y === "") return (x === "") - (y === "");
    const order = isNaN(x) || isNaN(y) ? x.localeCompare(y, "en", { numeric: true }) : x - y;
    return ascending ? order : -order;
  });
  body.append(...rows);
}

function makeSortable(table) {
  const heads = Array.from(table.tHead.rows[table.tHead.rows.length - 1].cells);
  heads.forEach((head, column) => {
    if (head.tagName !== "TH") return;
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const ascending = head.getAttribute("aria-sort") !== "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      sortBy(table, column, ascending);
    });
  });
}

function makeFilter(input) {
  const table = document.getElementById(input.dataset.filters);
  const count = document.getElementById(input.dataset.filters + "-count");
  const rows = Array.from(table.tBodies[0].rows);
  const apply = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      shown += row.hidden ? 0 : 1;
    }
    count.textContent = shown + " of " + rows.length + " rows";
  };
  input.addEventListener("input", apply);
  apply();
}

function makeZoom() {
  const dialog = document.querySelector("dialog");
  const [large] = dialog.getElementsByTagName("img");
  const [caption] = dialog.getElementsByTagName("p");
  for (const button of document.querySelectorAll(".picture button"))
    button.addEventListener("click", () => {
      const small = button.querySelector("img");
      large.src = small.src;
      large.alt = small.alt;
      caption.textContent = button.closest("figure").querySelector("figcaption").textContent;
      dialog.showModal();
    });
  dialog.addEventListener("click", () => dialog.close());
}

function hasInk(canvas) {
  const { width, height } = canvas;
  if (width === 0 || height === 0) return false;
  return canvas.getContext("2d").getImageData(0, 0, width, height).data.some((byte) => byte !== 0);
}

function isFlat(chart) {
  const values = chart.data.datasets.flatMap((one) => one.data.map((point) => Math.abs(point.y)));
  const { min, max } = chart.scales.y;
  return max - min > 10 * Math.max(...values) && Math.max(...values) > 0;
}

function duplicateIds() {
  const ids = Array.from(document.querySelectorAll("[id]"), (element) => element.id);
  return ids.filter((id, place) => ids.indexOf(id) !== place);
}

async function check() {
  const images = Array.from(document.querySelectorAll("main img"));
  await Promise.all(images.map((image) => image.decode().catch(() => {})));
  openMethods();
  const charts = Array.from(drawn.values());
  document.body.dataset.check = JSON.stringify({
    failures,
    images: images.length,
    brokenImages: images.filter((image) => image.naturalWidth === 0).length,
    charts: charts.length,
    emptyCharts: charts.filter((chart) => !hasInk(chart.canvas)).length,
    // An axis ten times as long as its largest value is far from zero hides the curve.
    flatCharts: charts.filter(isFlat).length,
    duplicateIds: duplicateIds(),
    wide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
  });
  closeMethods();
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
document.querySelectorAll("input[data-filters]").forEach(makeFilter);
makeZoom();
drawInView();
openTarget();
window.addEventListener("hashchange", openTarget);
dark.addEventListener("change", redraw);
window.addEventListener("beforeprint", openMethods);
window.addEventListener("afterprint", closeMethods);
if (location.search === "?check") check();
