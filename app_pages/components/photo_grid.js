// Photos side by side.  What is chosen is known here at once; what was done with it goes into a log (see press_log.py), each
// entry naming the photos it is about, so that nothing falls on other photos while the page is drawn anew.

const KEPT = 200; // of the log
const SIDES = [72, 260]; // pixels of a photo, smallest and largest

export default function ({ parentElement, data, setStateValue }) {
  const bar = parentElement.querySelector(".bar");
  const grid = parentElement.querySelector(".grid");
  const state = (grid.state ??= { current: null, anchor: null, chosen: new Set(), heat: false, side: preferred() });
  const log = (window.photoGrid ??= { since: Date.now(), count: 0, presses: [] }); // outlives a page that is drawn anew
  const tell = (what) => {
    log.presses = [...log.presses, JSON.stringify(what)].slice(-KEPT);
    log.count += 1;
    setStateValue("log", [log.since, log.count, log.presses]);
  };
  grid.style.setProperty("--current", data.colors[0]);
  grid.style.setProperty("--chosen", data.colors[1]);
  grid.style.maxHeight = data.height ? `${data.height}px` : "none";
  grid.setAttribute("aria-label", data.label);
  const ids = data.tiles.map((tile) => tile.id);
  if (data.current !== state.told) state.current = data.current; // the server chose another
  state.told = data.current;
  if (!ids.includes(state.current)) state.current = null;
  state.chosen = new Set([...state.chosen].filter((id) => ids.includes(id)));
  drawTiles(grid, data.tiles);

  const targets = () => (state.chosen.size ? ids.filter((id) => state.chosen.has(id)) : state.current ? [state.current] : []);
  const paint = () => {
    grid.style.setProperty("--side", `${state.side}px`);
    grid.classList.toggle("heat", state.heat);
    for (const tile of grid.children) {
      tile.classList.toggle("current", tile.dataset.id === state.current);
      tile.classList.toggle("chosen", state.chosen.has(tile.dataset.id));
      tile.setAttribute("aria-selected", state.chosen.has(tile.dataset.id) || tile.dataset.id === state.current);
    }
    paintBar();
  };
  const go = (id, { show = true } = {}) => {
    if (id === undefined || id === state.current) return;
    state.current = id;
    state.told = id;
    [...grid.children].find((tile) => tile.dataset.id === id)?.scrollIntoView({ block: "nearest" });
    if (show) tell({ act: "show", sample: id });
    paint();
  };
  const judge = (place) => {
    const samples = targets();
    if (!data.judges || !samples.length || place >= data.verdicts.length) return;
    tell({ act: "judge", place, samples });
    const after = Math.max(...samples.map((id) => ids.indexOf(id))) + 1;
    for (const id of samples) badge(grid, id, data.verdicts[place]);
    state.chosen.clear();
    go(ids[Math.min(after, ids.length - 1)]);
    paint();
  };
  const undo = () => data.judges && tell({ act: "undo" });

  function paintBar() {
    const count = targets().length;
    const some = state.chosen.size > 1 ? `${state.chosen.size} photos: ` : "";
    bar.replaceChildren(
      ...(data.judges ? data.verdicts.map((name, place) => button(`${place + 1} ${name}`, () => judge(place), !count)) : []),
      ...(data.judges ? [button("Undo", undo, !data.undoes)] : []),
      button(state.heat ? "Hide evidence" : "Show evidence", () => ((state.heat = !state.heat), paint()), !data.tiles.some((tile) => tile.heat)),
      slider(),
      element("span", { className: "count", textContent: some ? `${some}one verdict for all` : "" }),
    );
  }
  function slider() {
    const input = element("input", { type: "range", min: SIDES[0], max: SIDES[1], step: 4, value: state.side, ariaLabel: "Size of the photos" });
    input.oninput = () => {
      state.side = Number(input.value);
      grid.style.setProperty("--side", `${state.side}px`);
      try {
        localStorage.setItem("photo-grid-side", state.side);
      } catch {
        // a browser that keeps nothing: the size holds for this page
      }
    };
    return input;
  }

  grid.onclick = (event) => {
    const id = event.target.closest(".tile")?.dataset.id;
    if (id === undefined) return;
    grid.focus({ preventScroll: true });
    if (event.ctrlKey || event.metaKey) {
      if (!state.chosen.size && state.current) state.chosen.add(state.current);
      state.chosen.has(id) ? state.chosen.delete(id) : state.chosen.add(id);
      state.anchor = id;
    } else if (event.shiftKey && (state.anchor ?? state.current)) {
      const ends = [ids.indexOf(state.anchor ?? state.current), ids.indexOf(id)].sort((a, b) => a - b);
      state.chosen = new Set(ids.slice(ends[0], ends[1] + 1));
    } else {
      state.chosen.clear();
      state.anchor = id;
      go(id);
    }
    paint();
  };
  grid.ondblclick = (event) => {
    const id = event.target.closest(".tile")?.dataset.id;
    if (id !== undefined && data.opens) tell({ act: "open", sample: id });
  };
  const pressed = (event) => {
    const target = event.composedPath()[0];
    if (event.defaultPrevented || event.altKey || (isMeantFor(target) && target !== grid)) return;
    const place = Number(event.key) - 1;
    const at = ids.indexOf(state.current);
    const across = Math.max(1, Math.round(grid.clientWidth / ((grid.children[0]?.offsetWidth ?? 1) + 6)));
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key];
    if (event.ctrlKey || event.metaKey) {
      if (event.key !== "a" || document.activeElement === document.body) return;
      state.chosen = new Set(ids);
    } else if (step !== undefined) {
      const next = ids[Math.min(Math.max(at + step, 0), ids.length - 1)];
      if (event.shiftKey) {
        state.chosen.add(state.current ?? next).add(next);
      } else {
        state.chosen.clear();
        state.anchor = next;
      }
      go(next);
    } else if (event.repeat || event.shiftKey) return;
    else if (place >= 0 && place < data.verdicts.length) judge(place);
    else if (event.key === "u" || event.key === "z") undo();
    else if (event.key === "h") state.heat = !state.heat;
    else if (event.key === "Escape") state.chosen.clear();
    else if (event.key === "Enter" && state.current && data.opens) tell({ act: "open", sample: state.current });
    else return;
    event.preventDefault();
    paint();
  };
  window.removeEventListener("keydown", grid.pressed);
  window.addEventListener("keydown", pressed);
  grid.pressed = pressed;
  paint();
  return () => window.removeEventListener("keydown", pressed);
}

function preferred() {
  try {
    return Math.min(Math.max(Number(localStorage.getItem("photo-grid-side")) || 96, SIDES[0]), SIDES[1]);
  } catch {
    return 96;
  }
}

function drawTiles(grid, tiles) {
  const drawn = JSON.stringify(tiles.map((tile) => [tile.id, tile.picture.length, tile.heat.length, tile.title, tile.mark]));
  if (grid.drawn !== drawn) {
    grid.replaceChildren(...tiles.map(makeTile));
    grid.drawn = drawn;
  }
  for (const tile of tiles) badge(grid, tile.id, tile.verdict);
}

function makeTile(tile) {
  const made = element("div", { className: "tile", title: `${tile.title}\n${tile.id}` });
  made.dataset.id = tile.id;
  made.setAttribute("role", "option");
  const frame = element("div", { className: "frame" });
  if (tile.picture) frame.append(element("img", { src: tile.picture, alt: tile.id, className: "plain", draggable: false }));
  if (tile.heat) frame.append(element("img", { src: tile.heat, alt: `${tile.id}: evidence`, className: tile.picture ? "over" : "plain", draggable: false }));
  if (!tile.picture && !tile.heat) frame.append(element("span", { className: "name", textContent: tile.id }));
  frame.append(element("span", { className: "verdict", hidden: true }));
  if (tile.mark) frame.append(element("span", { className: "mark", textContent: "!", title: tile.mark }));
  made.append(frame, element("div", { className: "title", textContent: tile.title }));
  return made;
}

function badge(grid, id, verdict) {
  const shown = [...grid.children].find((tile) => tile.dataset.id === id)?.querySelector(".verdict");
  if (!shown) return;
  shown.hidden = !verdict;
  shown.textContent = verdict;
}

// Whether keys have a meaning of their own there.
function isMeantFor(element) {
  return element.closest?.("input, textarea, select, [contenteditable], [role=radiogroup], [role=slider], [role=listbox]");
}

function button(text, act, disabled) {
  const made = element("button", { type: "button", textContent: text, disabled });
  made.onclick = act;
  return made;
}

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}
