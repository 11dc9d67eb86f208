export default function ({ parentElement, data }) {
  const place = parentElement.querySelector("span");
  const changed = place.shown !== data.shown && (place.shown !== undefined || data.atOnce);
  if (changed && place.getBoundingClientRect().top < 0) place.scrollIntoView();
  place.shown = data.shown;
}
