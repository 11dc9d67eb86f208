// The pictures of a grid, apart from what changes with every press: the server sends the same message only once.

export default function ({ data }) {
  (window.photoGridPictures ??= {})[data.key] = data.pictures;
  window.dispatchEvent(new CustomEvent("photo-grid-pictures", { detail: data.key }));
}
