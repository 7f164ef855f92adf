"use strict";
// What went wrong is kept where a test, or a curious reader, finds it: <body data-check>.
const failures = [];
window.addEventListener("error", (event) => failures.push(String(event.message)));

const specifications = JSON.parse(document.getElementById("charts").textContent);
const charts = [];
const dark = window.matchMedia("(prefers-color-scheme: dark)");

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function significant(value) {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return size >= 1e5 || size < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(4)));
}

function dataset(series) {
  const line = colour("--c" + (series.colour % 7));
  return {
    label: series.name,
    data: series.points.map(([x, y]) => ({ x, y })),
    borderColor: line,
    backgroundColor: line,
    borderWidth: series.faint ? 1 : 2,
    borderDash: series.dashed ? [6, 4] : [],
    pointRadius: series.faint || series.points.length > 30 ? 0 : 2.5,
    pointHitRadius: 8,
    tension: 0,
  };
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
    type: "line",
    data: { datasets: specification.series.map(dataset) },
    options: {
      animation: false,
      maintainAspectRatio: false,
      parsing: false,
      normalized: true,
      interaction: { mode: "nearest", axis: "x", intersect: false },
      scales: {
        x: axis("step"),
        y: { ...axis(specification.unit), ...logarithmic },
      },
      plugins: {
        legend: {
          display: specification.series.filter((series) => !series.faint).length > 1,
          position: "bottom",
          labels: {
            color: colour("--ink"),
            boxWidth: 14,
            boxHeight: 2,
            font: { size: 12 },
            filter: (item) => !specification.series[item.datasetIndex].faint,
          },
        },
        tooltip: {
          callbacks: {
            title: (items) => "step " + items[0].parsed.x,
            label: (item) => " " + item.dataset.label + "  " + significant(item.parsed.y),
          },
        },
      },
    },
  });
}

function drawAll() {
  charts.splice(0).forEach((chart) => chart.destroy());
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  for (const canvas of document.querySelectorAll("canvas[data-chart]"))
    charts.push(draw(canvas, specifications[Number(canvas.dataset.chart)]));
}

// Sorting: numbers by value, cells without one last whichever way round.
function sortBy(table, column, ascending) {
  const body = table.tBodies[0];
  const key = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent;
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
  const heads = Array.from(table.tHead.rows[0].cells);
  heads.forEach((head, column) => {
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

async function check() {
  const images = Array.from(document.querySelectorAll("main img"));
  await Promise.all(images.map((image) => image.decode().catch(() => {})));
  const canvases = Array.from(document.querySelectorAll("canvas[data-chart]"));
  document.body.dataset.check = JSON.stringify({
    failures,
    images: images.length,
    brokenImages: images.filter((image) => image.naturalWidth === 0).length,
    charts: canvases.length,
    emptyCharts: canvases.filter((canvas) => !hasInk(canvas)).length,
  });
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
document.querySelectorAll("input[data-filters]").forEach(makeFilter);
makeZoom();
drawAll();
dark.addEventListener("change", drawAll);
window.addEventListener("beforeprint", drawAll);
window.addEventListener("afterprint", drawAll);
check();
