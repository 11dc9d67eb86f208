// A confusion matrix as a table: every cell can be clicked, names stay in sight while it scrolls, and a screen reader
// or the arrow keys can walk through it.

const NUMBERS_UP_TO = 30; // classes whose numbers fit into the cells

export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".matrix");
  const drawn = JSON.stringify(data.table);
  if (root.drawn !== drawn) {
    draw(root, data.table);
    root.drawn = drawn;
  }
  outline(root, data.chosen);
  root.choose = (cell) => {
    const place = [Number(cell.dataset.true), Number(cell.dataset.predicted)];
    outline(root, [place]); // seen at once, whatever the server still has to do
    setStateValue("cell", [...place, Date.now()]); // the time, so that a second click on a cell is a click as well
  };
}

function draw(root, { names, heads, places, texts, details, shades, colors, outlined, strongest, clickable, label }) {
  const small = shades.length > NUMBERS_UP_TO;
  root.className = `matrix${small ? " small" : ""}${clickable ? " clickable" : ""}${names.length > shades.length ? " totals" : ""}`;
  const longest = (words) => Math.max(...words.map((word) => word.length));
  const width = (words) => `${small ? 11 : Math.max(24, 7 * longest(words) + 4)}px`;
  root.style.setProperty("--chosen", outlined);
  root.style.setProperty("--columns", names.length);
  root.style.setProperty("--cell", width(texts.flatMap((row) => row.slice(0, shades.length))));
  root.style.setProperty("--total", width(texts.map((row) => row.at(-1))));
  root.style.setProperty("--names", `calc(${Math.min(22, Math.max(16, longest(heads)))} * .48em + 12px)`);
  const table = element("table", { role: "grid", ariaLabel: label });
  const head = table.createTHead().insertRow();
  head.append(element("th", { className: "corner", textContent: "true \\ predicted" }));
  names.forEach((name, column) => head.append(heading(name, heads[column], "col")));
  const body = table.createTBody();
  names.forEach((name, row) => {
    const line = body.insertRow();
    line.append(heading(name, heads[row], "row"));
    places.forEach((predicted, column) => {
      const cell = line.insertCell();
      const shade = shades[row]?.[column] ?? 0;
      if (!small) cell.textContent = texts[row][column];
      const opacity = Math.round(255 * strongest * Math.abs(shade));
      if (opacity) cell.style.background = colors[shade > 0 ? 0 : 1] + opacity.toString(16).padStart(2, "0");
      cell.tabIndex = -1;
      cell.setAttribute("aria-label", `true: ${name}\npredicted: ${names[column]}\n${details[row][column]}`);
      cell.dataset.true = places[row];
      cell.dataset.predicted = predicted;
    });
  });
  body.rows[0].cells[1].tabIndex = 0;
  const tip = element("div", { className: "tip", hidden: true });
  const frame = element("div", { className: "frame" }, table);
  root.replaceChildren(frame, tip);
  listen(root, table, tip, clickable);
  const hint = () => frame.classList.toggle("more", frame.scrollLeft + frame.clientWidth < frame.scrollWidth - 1);
  frame.addEventListener("scroll", hint);
  new ResizeObserver(hint).observe(frame);
}

function listen(root, table, tip, clickable) {
  const cellOf = (event) => event.target.closest("td");
  const show = (cell) => {
    table.querySelectorAll(".here").forEach((head) => head.classList.remove("here"));
    tip.hidden = !cell;
    if (!cell) return;
    cell.parentElement.cells[0].classList.add("here");
    table.tHead.rows[0].cells[cell.cellIndex].classList.add("here");
    tip.textContent = cell.getAttribute("aria-label");
    const box = cell.getBoundingClientRect();
    const left = Math.min(box.right + 8, document.documentElement.clientWidth - tip.offsetWidth - 8);
    const top = box.bottom + 8 + tip.offsetHeight > document.documentElement.clientHeight ? box.top - tip.offsetHeight - 8 : box.bottom + 8;
    tip.style.transform = `translate(${left}px, ${top}px)`;
  };
  table.addEventListener("pointerover", (event) => show(cellOf(event)));
  table.addEventListener("pointerleave", () => show(null));
  table.addEventListener("focusin", (event) => show(cellOf(event)));
  table.addEventListener("focusout", () => show(null));
  if (clickable) table.addEventListener("click", (event) => cellOf(event) && root.choose(cellOf(event)));
  table.addEventListener("keydown", (event) => {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
    const cell = cellOf(event);
    if (!cell) return;
    if (clickable && (event.key === "Enter" || event.key === " ")) root.choose(cell);
    else if (!down && !right) return;
    const next = table.tBodies[0].rows[cell.parentElement.sectionRowIndex + down]?.cells[cell.cellIndex + right];
    if (next?.tagName === "TD") {
      cell.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
    }
    event.preventDefault();
    event.stopPropagation();
  });
}

function outline(root, chosen) {
  root.querySelectorAll(".chosen").forEach((cell) => cell.classList.remove("chosen"));
  for (const [row, column] of chosen)
    root.querySelector(`td[data-true="${row}"][data-predicted="${column}"]`)?.classList.add("chosen");
}

function heading(name, short, scope) {
  return element("th", { scope, title: name }, element("span", { textContent: short }));
}

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}
