// Photos side by side.  What is chosen is known here at once; what was done with it goes into a log (see press_log.py), each
// entry naming the photos it is about, so that nothing falls on other photos while the page is drawn anew.

const KEPT = 200; // of the log
const SIDES = [72, 260]; // pixels of a photo, smallest and largest

export default function ({ parentElement, data, setStateValue }) {
  const bar = parentElement.querySelector(".bar");
  const grid = parentElement.querySelector(".grid");
  const state = (grid.state ??= { current: null, anchor: null, chosen: new Set(), heat: false, side: preferred() });
  const logs = (window.photoGrids ??= {}); // outlive a page that is drawn anew
  const log = (logs[data.key] ??= { since: Date.now(), count: 0, presses: [] });
  const tell = (what) => {
    log.presses = [...log.presses, JSON.stringify(what)].slice(-KEPT);
    log.count += 1;
    setStateValue("log", [log.since, log.count, log.presses]);
  };
  grid.style.setProperty("--current", data.colors[0]);
  grid.style.setProperty("--chosen", data.colors[1]);
  grid.style.setProperty("--height", `${data.height}px`);
  grid.setAttribute("aria-label", data.label);
  const ids = data.tiles.map((tile) => tile.id);
  // what the server shows counts once it has seen every press: before, it is merely late
  const isLate = log.count > 0 && (data.acted[0] !== log.since || data.acted[1] !== log.count);
  const wasAt = state.current;
  if (!isLate) {
    state.current = ids.includes(data.current) ? data.current : null;
    state.undoable = data.undoable;
  }
  state.chosen = new Set([...state.chosen].filter((id) => ids.includes(id)));
  drawTiles(grid, data);
  const arrived = (event) => {
    if (event.detail !== data.key) return;
    drawTiles(grid, data);
    paint();
  };
  window.removeEventListener("photo-grid-pictures", grid.arrived);
  window.addEventListener("photo-grid-pictures", arrived);
  grid.arrived = arrived;

  const isCorrect = (id) => data.tiles.find((tile) => tile.id === id)?.correct ?? false;
  const verdict = (place, id) => data.verdicts[isCorrect(id) ? 1 : 0][place];
  const targets = () => {
    if (state.chosen.size) return ids.filter((id) => state.chosen.has(id));
    return ids.includes(state.current) ? [state.current] : [];
  };
  const isLeaving = () => state.current !== null && !ids.includes(state.current); // its page is on the way
  const paint = () => {
    grid.style.setProperty("--side", `${state.side}px`);
    grid.classList.toggle("heat", state.heat);
    for (const tile of grid.children) {
      tile.classList.toggle("current", tile.dataset.id === state.current);
      tile.classList.toggle("chosen", state.chosen.has(tile.dataset.id));
      tile.setAttribute("aria-selected", state.chosen.has(tile.dataset.id) || tile.dataset.id === state.current);
    }
    const current = tileOf(grid, state.current);
    if (current) grid.setAttribute("aria-activedescendant", current.id);
    else grid.removeAttribute("aria-activedescendant");
    paintBar();
  };
  const go = (id) => {
    if (!id || id === state.current) return;
    state.current = id;
    tileOf(grid, id)?.scrollIntoView({ block: "nearest" });
    tell({ act: "show", sample: id });
    paint();
  };
  const judge = (place) => {
    const samples = targets();
    if (!data.judges || !samples.length || place >= data.verdicts[0].length) return;
    tell({ act: "judge", place, samples });
    const last = Math.max(...samples.map((id) => ids.indexOf(id)));
    for (const id of samples) badge(grid, id, verdict(place, id));
    state.chosen.clear();
    state.undoable = true;
    go(ids[last + 1] ?? data.around[1]);
    paint();
  };
  const undo = () => data.judges && tell({ act: "undo" });

  function paintBar() {
    const samples = targets();
    const some = state.chosen.size > 1 ? `${state.chosen.size} photos: one verdict for all` : "";
    const names = data.verdicts[0].map((_, place) => [...new Set(samples.map((id) => verdict(place, id)))]);
    const named = names.map((found, place) => found.join(" or ") || data.verdicts[0][place]);
    bar.replaceChildren(
      ...(data.judges ? named.map((name, place) => button(`${place + 1} ${name}`, () => judge(place), !samples.length)) : []),
      ...(data.judges ? [button("Undo", undo, !state.undoable)] : []),
      ...(Object.values(picturesOf(data)).some(([, heat]) => heat)
        ? [button(state.heat ? "Hide evidence" : "Show evidence", () => ((state.heat = !state.heat), paint()))]
        : []),
      slider(),
      element("span", { className: "count", textContent: some }),
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
    } else if (event.shiftKey && ids.includes(state.anchor ?? state.current)) {
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
    const across = [...grid.children].filter((tile) => tile.offsetTop === grid.children[0].offsetTop).length;
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across, ArrowDown: across }[event.key];
    if (event.ctrlKey || event.metaKey) {
      if (event.key !== "a" || target !== grid) return;
      state.chosen = new Set(ids);
    } else if (step !== undefined) {
      if (isLeaving()) return;
      if (at < 0 && Math.abs(step) > 1 && target !== grid) return; // the page scrolls
      const next = at < 0 ? ids[0] : (ids[at + step] ?? data.around[step < 0 ? 0 : 1] ?? ids[step < 0 ? 0 : ids.length - 1]);
      if (event.shiftKey) {
        if (ids.includes(next)) state.chosen.add(state.current ?? next).add(next);
      } else {
        state.chosen.clear();
        state.anchor = next;
      }
      go(next);
    } else if (event.repeat || event.shiftKey) return;
    else if (place >= 0 && place < data.verdicts[0].length) judge(place);
    else if (event.key === "u" || event.key === "z") undo();
    else if (event.key === "h") state.heat = !state.heat;
    else if (event.key === "Escape" && state.chosen.size) state.chosen.clear();
    else if (event.key === "Enter" && state.current && data.opens && !target.closest?.("button, a, summary"))
      tell({ act: "open", sample: state.current });
    else return;
    event.preventDefault();
    paint();
  };
  const listeners = (window.photoGridListeners ??= {}); // of two grids, one of which is about to go, only the later one hears
  window.removeEventListener("keydown", listeners[data.key]);
  window.addEventListener("keydown", pressed);
  listeners[data.key] = pressed;
  paint();
  const opens = data.height !== null && !grid.classList.contains("beside");
  grid.classList.toggle("beside", data.height !== null);
  if (opens || state.current !== wasAt) requestAnimationFrame(() => bringIntoSight(bar, grid, tileOf(grid, state.current)));
  return () => {
    window.removeEventListener("keydown", pressed);
    window.removeEventListener("photo-grid-pictures", arrived);
  };
}

// The grid got shorter, or the server chose a photo: the page and the grid still stand elsewhere.
function bringIntoSight(bar, grid, tile) {
  if (!tile) return;
  if (grid.classList.contains("beside")) {
    const [inner, outer] = [tile.getBoundingClientRect(), grid.getBoundingClientRect()];
    if (inner.top < outer.top) grid.scrollTop += inner.top - outer.top - 6;
    if (inner.bottom > outer.bottom) grid.scrollTop += inner.bottom - outer.bottom + 6;
    if (bar.getBoundingClientRect().top < 0) bar.scrollIntoView({ block: "start" });
  } else tile.scrollIntoView({ block: "nearest" });
}

function preferred() {
  try {
    return Math.min(Math.max(Number(localStorage.getItem("photo-grid-side")) || 96, SIDES[0]), SIDES[1]);
  } catch {
    return 96;
  }
}

function picturesOf(data) {
  return window.photoGridPictures?.[data.key] ?? {};
}

function drawTiles(grid, data) {
  const { tiles } = data;
  const pictures = picturesOf(data);
  const sizes = (id) => (pictures[id] ?? ["", ""]).map((picture) => picture.length);
  const drawn = JSON.stringify(tiles.map((tile) => [tile.id, ...sizes(tile.id), tile.title, tile.mark]));
  if (grid.drawn !== drawn) {
    grid.replaceChildren(...tiles.map((tile, place) => makeTile(tile, place, ...(pictures[tile.id] ?? ["", ""]))));
    grid.drawn = drawn;
  }
  for (const tile of tiles) badge(grid, tile.id, tile.verdict);
}

function makeTile(tile, place, picture, heat) {
  const made = element("div", { className: "tile", id: `tile-${place}`, title: `${tile.title}\n${tile.id}` });
  made.dataset.id = tile.id;
  made.setAttribute("role", "option");
  const frame = element("div", { className: "frame" });
  if (picture) frame.append(element("img", { src: picture, alt: tile.id, className: "plain", draggable: false }));
  if (heat) frame.append(element("img", { src: heat, alt: `${tile.id}: evidence`, className: picture ? "over" : "plain", draggable: false }));
  if (!picture && !heat) frame.append(element("span", { className: "name", textContent: tile.id }));
  frame.append(element("span", { className: "verdict", hidden: true }));
  if (tile.mark) frame.append(element("span", { className: "mark", textContent: "!", title: tile.mark }));
  made.append(frame, element("div", { className: "title", textContent: tile.title }));
  return made;
}

function tileOf(grid, id) {
  return [...grid.children].find((tile) => tile.dataset.id === id);
}

function badge(grid, id, verdict) {
  const shown = tileOf(grid, id)?.querySelector(".verdict");
  if (!shown) return;
  shown.hidden = !verdict;
  shown.textContent = verdict;
}

// Whether keys have a meaning of their own there.
function isMeantFor(element) {
  return element.closest?.("input, textarea, select, [contenteditable], [role=radiogroup], [role=slider], [role=listbox]");
}

function button(text, act, disabled = false) {
  const made = element("button", { type: "button", textContent: text, disabled });
  made.onclick = act;
  return made;
}

function element(tag, properties, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}
