// What a lasso selects is told as one bit for each point. Streamlit reports each point with all that is known of it, about
// 270 bytes, and repeats that with every later click on the page: 13 MB for 50,000 points.

const FIGURE = ".st-key-map-figure .js-plotly-plot";

export default function () {
  document.addEventListener("pointerdown", prepare, true); // before the lasso begins, for whichever figure is there
  return () => document.removeEventListener("pointerdown", prepare, true);
}

function prepare({ target }) {
  const chart = target.closest?.(FIGURE);
  if (!chart?.emit || chart.isCompact) return;
  const emit = chart.emit;
  chart.isCompact = true;
  chart.emit = (name, event) => {
    const selected = name === "plotly_selected" && event?.points;
    return emit.call(chart, name, selected ? { ...event, points: compact(selected) } : event);
  };
}

function compact(points) {
  const curves = new Map();
  for (const { curveNumber, pointNumber, fullData } of points) {
    if (!curves.has(curveNumber)) curves.set(curveNumber, new Uint8Array(Math.ceil(fullData.x.length / 8)));
    curves.get(curveNumber)[pointNumber >> 3] |= 1 << (pointNumber & 7);
  }
  return [...curves].map(([curveNumber, bits]) => ({ curveNumber, bits: base64(bits) }));
}

function base64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}
