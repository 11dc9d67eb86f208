export default function () {
  const click = (attempts) => {
    const link = document.querySelector(".st-key-followed a");
    if (link) link.click();
    else if (attempts) setTimeout(click, 20, attempts - 1);
  };
  click(100);
}
