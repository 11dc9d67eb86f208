export default function ({ parentElement, data }) {
  const place = parentElement.querySelector("span");
  const changed = place.shown !== data.shown && (place.shown !== undefined || data.atOnce);
  const { top } = place.getBoundingClientRect();
  if (changed && (top < 0 || top > 0.5 * window.innerHeight)) place.scrollIntoView();
  place.shown = data.shown;
}
