// A photo and a box on it. What is outside the box is dimmed. The server is told when the box is let go.

const CORNERS = { nw: [0, 1], ne: [2, 1], sw: [0, 3], se: [2, 3] }; // which edges of [left, top, right, bottom] each moves
const INSET = "-6px"; // of the corners' handles: almost all of each stays in sight at the edge of the photo
const LEAST = 0.08; // of a side: no smaller box can be drawn
const CLICK = 5; // pixels: who moves no further has clicked, and draws no new box
const STEP = 0.02; // of a side, for each press of an arrow key
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export default function ({ parentElement, data, setStateValue }) {
  const stage = parentElement.querySelector(".stage");
  const image = stage.querySelector("img");
  const box = stage.querySelector(".box");
  if (image.src !== data.image) image.src = data.image;
  image.alt = data.label;
  const sent = JSON.stringify(data.box);
  if (stage.told === sent) stage.told = undefined;
  const ahead = stage.dragging || stage.waiting || stage.told; // of what the server knows yet
  if (stage.sent !== sent && !ahead) stage.edges = data.box;
  stage.sent = sent;
  stage.tell = () => {
    stage.waiting = undefined;
    stage.told = JSON.stringify(stage.edges);
    setStateValue("box", stage.edges);
  };
  if (!stage.ready) prepare(stage, box);
  place(stage, box);
}

function prepare(stage, box) {
  stage.ready = true;
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "Part of the photo to look at: arrow keys move it, with Shift they change its size");
  for (const [name, [across, down]] of Object.entries(CORNERS)) {
    const corner = document.createElement("div");
    corner.className = "corner";
    corner.dataset.corner = name;
    corner.style.cursor = `${name}-resize`;
    corner.style[across === 0 ? "left" : "right"] = INSET;
    corner.style[down === 1 ? "top" : "bottom"] = INSET;
    box.append(corner);
  }
  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !event.isPrimary || stage.dragging) return;
    event.preventDefault();
    const from = at(stage, event);
    const start = [...stage.edges];
    const corner = CORNERS[event.target.dataset?.corner];
    const moves = event.target === box;
    stage.dragging = true;
    stage.setPointerCapture(event.pointerId);
    const drag = (moved) => {
      if (moved.pointerId !== event.pointerId) return;
      if (!moved.buttons) return end(true); // let go where this page could not see it
      const far = Math.hypot(moved.clientX - event.clientX, moved.clientY - event.clientY) > CLICK;
      if (!far && !corner && !moves) return;
      const to = at(stage, moved);
      if (corner) stage.edges = resized(start, corner, to);
      else if (moves) stage.edges = shifted(start, to[0] - from[0], to[1] - from[1]);
      else stage.edges = spanned(from, to);
      place(stage, box);
    };
    const end = (counts) => {
      stage.dragging = false;
      stage.removeEventListener("pointermove", drag);
      stage.removeEventListener("pointerup", drop);
      stage.removeEventListener("pointercancel", cancel);
      if (!counts) stage.edges = start;
      place(stage, box);
      if (stage.edges.some((edge, index) => edge !== start[index])) stage.tell();
    };
    const drop = () => end(true);
    const cancel = () => end(false); // the browser took the gesture for scrolling
    stage.addEventListener("pointermove", drag);
    stage.addEventListener("pointerup", drop);
    stage.addEventListener("pointercancel", cancel);
  });
  box.addEventListener("keydown", (event) => {
    const arrow = ARROWS[event.key];
    if (!arrow || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    const [across, down] = arrow.map((sign) => sign * STEP);
    const [, , right, bottom] = stage.edges;
    stage.edges = event.shiftKey
      ? resized(stage.edges, CORNERS.se, [right + across, bottom + down])
      : shifted(stage.edges, across, down);
    place(stage, box);
    clearTimeout(stage.waiting);
    stage.waiting = setTimeout(stage.tell, 300); // after the last of several presses
  });
}

function place(stage, box) {
  const [left, top, right, bottom] = stage.edges;
  Object.assign(box.style, {
    left: `${100 * left}%`,
    top: `${100 * top}%`,
    width: `${100 * (right - left)}%`,
    height: `${100 * (bottom - top)}%`,
  });
}

function at(stage, event) {
  const { left, top, width, height } = stage.getBoundingClientRect();
  return [within((event.clientX - left) / width), within((event.clientY - top) / height)];
}

function within(share) {
  return Math.min(1, Math.max(0, share));
}

function shifted([left, top, right, bottom], across, down) {
  const x = Math.min(Math.max(across, -left), 1 - right);
  const y = Math.min(Math.max(down, -top), 1 - bottom);
  return [left + x, top + y, right + x, bottom + y];
}

function resized(edges, moving, to) {
  const changed = [...edges];
  moving.forEach((edge, axis) => {
    const opposite = edges[(edge + 2) % 4];
    const goal = within(to[axis]);
    changed[edge] = edge < 2 ? Math.min(goal, opposite - LEAST) : Math.max(goal, opposite + LEAST);
  });
  return changed.map(within);
}

function spanned(from, to) {
  const line = (axis) => {
    const low = Math.min(from[axis], to[axis]);
    const high = Math.max(low + LEAST, from[axis], to[axis]);
    return high > 1 ? [1 - Math.max(LEAST, 1 - low), 1] : [low, high];
  };
  const [[left, right], [top, bottom]] = [line(0), line(1)];
  return [left, top, right, bottom];
}
