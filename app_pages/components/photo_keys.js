// Previous and Next, the arrow keys, and other keys with a meaning: a log of what was pressed, so that what comes while the
// page is still being drawn is not taken for something that was pressed later.

const ARROWS = { ArrowLeft: "previous", ArrowRight: "next" };
const KEPT = 100; // of the log; no one presses more before the server has seen them

export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".keys");
  const [previous, next] = root.querySelectorAll("button");
  const log = (window.photoKeys ??= { since: Date.now(), count: 0, presses: [] }); // outlives a page that is drawn anew
  const press = (what) => {
    log.presses = [...log.presses, what].slice(-KEPT);
    log.count += 1;
    setStateValue("log", [log.since, log.count, log.presses]);
  };
  previous.disabled = data.first;
  next.disabled = data.last;
  previous.onclick = () => press("previous");
  next.onclick = () => press("next");
  const pressed = (event) => {
    const what = ARROWS[event.key] ?? (data.keys.includes(event.key) ? event.key : undefined);
    const modified = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
    if (what && !modified && !event.repeat && !event.defaultPrevented && !isMeantFor(event.composedPath()[0])) press(what);
  };
  window.removeEventListener("keydown", root.pressed);
  window.addEventListener("keydown", pressed);
  root.pressed = pressed;
  return () => window.removeEventListener("keydown", pressed);
}

// Whether keys have a meaning of their own there.
function isMeantFor(element) {
  return element.closest?.("input, textarea, select, [contenteditable], [role=radiogroup], [role=slider], [role=listbox]");
}
