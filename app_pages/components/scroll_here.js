const EVERY = 100; // milliseconds between two looks while the page is drawn
const PATIENCE = 20000; // milliseconds
const INPUTS = ["wheel", "touchstart", "pointerdown", "keydown"]; // the visitor scrolls, or does something else

export default function ({ parentElement, data }) {
  const place = parentElement.querySelector("span");
  const changed = place.shown !== data.shown && (place.shown !== undefined || data.atOnce);
  place.shown = data.shown;
  if (!changed) return;
  place.stop?.();
  const stop = (place.stop = () => {
    clearInterval(timer);
    INPUTS.forEach((name) => window.removeEventListener(name, stop, true));
  });
  const until = performance.now() + PATIENCE;
  const look = () => {
    const { top } = place.getBoundingClientRect();
    if (top < 0 || top > 0.5 * window.innerHeight) place.scrollIntoView();
  };
  // More than once: what is drawn above the place later pushes it away, and the browser holds on to what was on the screen.
  const lookAgain = () => {
    const running = document.querySelector("[data-testid=stApp]")?.dataset.testScriptState === "running";
    if (running && performance.now() < until && place.isConnected) look();
    else stop();
  };
  const timer = setInterval(lookAgain, EVERY);
  INPUTS.forEach((name) => window.addEventListener(name, stop, true));
  look();
}
