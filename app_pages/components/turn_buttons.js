// Two buttons, and the arrow keys, that count: presses that come while the page is still being drawn are not lost.

export default function ({ parentElement, data, setStateValue }) {
  const root = parentElement.querySelector(".turn");
  const [previous, next] = root.querySelectorAll("button");
  root.mounted ??= Date.now();
  root.steps ??= 0;
  const turn = (step) => {
    root.steps += step;
    setStateValue("steps", [root.mounted, root.steps]);
  };
  previous.disabled = data.first;
  next.disabled = data.last;
  previous.onclick = () => turn(-1);
  next.onclick = () => turn(1);
  const pressed = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const modified = event.ctrlKey || event.metaKey || event.altKey || event.shiftKey;
    if (step && !modified && !event.defaultPrevented && !isMeantFor(event.composedPath()[0])) turn(step);
  };
  window.removeEventListener("keydown", root.pressed);
  window.addEventListener("keydown", pressed);
  root.pressed = pressed;
  return () => window.removeEventListener("keydown", pressed);
}

// Whether the arrow keys have a meaning of their own there.
function isMeantFor(element) {
  return element.closest?.("input, textarea, select, [contenteditable], [role=radiogroup], [role=slider], [role=listbox]");
}
