// The visitor's camera. The next frame is sent when the one before has been answered: none ever waits in a line.

const LEAST_GAP = 100; // milliseconds between two frames
const PATIENCE = { first: 20000, least: 3000, delays: 5 }; // then an answer is given up: so long, or so many times the usual delay
const AFTER_REFUSAL = 1500; // milliseconds
const AFTER_PRESS = 3000; // milliseconds
const MEASURED = 3000; // milliseconds over which the frames a second are counted
const SLOW = { below: 2, until: 2.5 }; // frames a second: a rate in between changes nothing that is said
const FRAME_QUALITY = 0.85;
const KEPT_QUALITY = 0.95;
const WANTED = { width: { ideal: 1280 }, height: { ideal: 960 } };
const IN_USE = "The camera is used by another program, or does not work. Close what uses it, then start again.";
const NOT_ALLOWED =
  "The camera was not allowed. Allow it for this page, by the symbol in the browser's address bar or in the settings of the " +
  "device, then start again.";
const PROBLEMS = {
  NotAllowedError: NOT_ALLOWED,
  SecurityError: NOT_ALLOWED,
  NotFoundError: "No camera was found. Connect one, then start again.",
  NotReadableError: IN_USE,
  AbortError: IN_USE,
  OverconstrainedError: "That camera is gone. Connect it again, or start with another.",
  lost: "The camera is gone: it was disconnected, or another program took it. Connect it again, then start again.",
  insecure:
    "Browsers lend a camera only to pages of the same machine (localhost) and to pages behind HTTPS. Open the app under such an " +
    "address, or take a photo and drop it on Predict.",
};
const settings = { shown: true, opacity: 0.6, device: undefined }; // outlive a page that is left

export default function ({ parentElement, data, setTriggerValue }) {
  const root = parentElement.querySelector(".live");
  const camera = (root.camera ??= prepare(root));
  camera.side = data.side;
  camera.keep = (image) => setTriggerValue("kept", image);
  return camera.close;
}

function prepare(root) {
  const part = (name) => root.querySelector(name);
  const camera = { root, part, video: part("video"), turn: 0, number: 0, answered: [], delays: [] };
  const listen = (event) => take(camera, event.detail);
  const look = () => (document.hidden ? rest(camera) : step(camera));
  window.addEventListener("camera-answer", listen);
  document.addEventListener("visibilitychange", look);
  camera.close = () => {
    window.removeEventListener("camera-answer", listen);
    document.removeEventListener("visibilitychange", look);
    clearTimeout(camera.keeping);
    release(camera);
  };
  part(".start").onclick = () => start(camera);
  part(".pause").onclick = () => pause(camera, !camera.paused);
  part(".stop").onclick = () => stop(camera, "");
  part(".keep").onclick = () => keep(camera, picture(camera, Infinity, KEPT_QUALITY));
  part("select").onchange = ({ target }) => {
    settings.device = target.value;
    start(camera);
  };
  const [shown, opacity] = [part(".shown"), part(".opacity")];
  [shown.checked, opacity.value] = [settings.shown, settings.opacity];
  shown.onchange = opacity.oninput = () => {
    [settings.shown, settings.opacity] = [shown.checked, Number(opacity.value)];
    tint(camera);
  };
  camera.video.onresize = () => part(".picture").style.setProperty("--ratio", camera.video.videoWidth / camera.video.videoHeight);
  tint(camera);
  return camera;
}

// Until the page is left for Predict: a press that comes while an answer is drawn may be lost.
function keep(camera, image, tries = 5) {
  clearTimeout(camera.keeping);
  camera.keep(image);
  if (tries > 1) camera.keeping = setTimeout(() => keep(camera, image, tries - 1), AFTER_PRESS);
}

async function start(camera) {
  release(camera);
  const turn = ++camera.turn;
  say(camera, ".problem", "");
  if (!navigator.mediaDevices?.getUserMedia) return stop(camera, PROBLEMS.insecure);
  camera.part(".start").disabled = true;
  const one = settings.device ? { deviceId: { exact: settings.device } } : { facingMode: { ideal: "environment" } };
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { ...WANTED, ...one }, audio: false });
    if (turn !== camera.turn) return stream.getTracks().forEach((track) => track.stop()); // left or stopped meanwhile
    camera.stream = stream;
    const [track] = stream.getVideoTracks();
    track.onended = () => turn === camera.turn && stop(camera, PROBLEMS.lost);
    camera.part(".picture").classList.toggle("mirrored", track.getSettings().facingMode === "user");
    camera.video.srcObject = stream;
    await camera.video.play();
    if (turn !== camera.turn) return;
    await listCameras(camera, track);
  } catch (error) {
    if (turn !== camera.turn) return;
    settings.device = undefined;
    return stop(camera, PROBLEMS[error.name] ?? `The camera could not be started (${error.name}). Try again.`);
  }
  show(camera, true);
  pause(camera, false);
}

async function listCameras(camera, track) {
  const found = (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
  const choice = camera.part("select");
  choice.replaceChildren(...found.map(({ deviceId, label }, index) => new Option(label || `Camera ${index + 1}`, deviceId)));
  choice.value = track.getSettings().deviceId ?? "";
  camera.part(".which").hidden = found.length < 2;
}

function stop(camera, problem) {
  release(camera);
  show(camera, false);
  say(camera, ".problem", problem);
  say(camera, ".start", problem ? "Start again" : "Start the camera");
  if (camera.said) window.cameraLink?.send(null); // the page's first line asks again
  camera.said = false;
}

// Let go of the camera and of everything that was seen.
function release(camera) {
  camera.turn += 1;
  camera.stream?.getTracks().forEach((track) => track.stop());
  camera.stream = camera.video.srcObject = null;
  camera.pending = undefined;
  rest(camera);
  camera.part("img").hidden = true;
  camera.part(".seen").classList.remove("known");
  camera.part(".bars").replaceChildren();
  for (const name of [".answer", ".detail", ".pace", ".note"]) say(camera, name, "");
}

function show(camera, running) {
  camera.part(".picture").hidden = camera.part(".said").hidden = !running;
  camera.part(".cover").hidden = running;
  camera.part(".start").disabled = false;
}

function pause(camera, paused) {
  camera.paused = paused;
  say(camera, ".pause", paused ? "Continue" : "Pause");
  if (paused) {
    camera.video.pause();
    rest(camera);
    say(camera, ".pace", "Paused");
    return;
  }
  camera.video.play().catch(() => undefined); // the camera was stopped meanwhile
  step(camera);
}

// No more frames are sent, and what was measured of the pace is forgotten.
function rest(camera) {
  clearTimeout(camera.timer);
  [camera.answered, camera.delays, camera.began] = [[], [], undefined];
  say(camera, ".note", "");
}

// Send a frame if it is time to; else come back when it is.
function step(camera) {
  clearTimeout(camera.timer);
  if (!camera.stream || camera.paused || document.hidden) return;
  const now = performance.now();
  camera.began ??= now;
  const wait = camera.pending ? camera.pending.until - now : Math.max((camera.next ?? 0) - now, 0);
  notice(camera, now);
  const ready = window.cameraLink && camera.video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA;
  if (wait > 0 || !ready) {
    camera.timer = setTimeout(step, Math.min(Math.max(wait, 20), 500), camera);
    return;
  }
  const usual = camera.known ? Math.max(PATIENCE.least, PATIENCE.delays * (camera.delay ?? 0)) : PATIENCE.first;
  camera.number += 1;
  camera.pending = { number: camera.number, at: now, until: now + usual };
  camera.next = now + LEAST_GAP;
  window.cameraLink.send({ number: camera.number, image: picture(camera, camera.side, FRAME_QUALITY) });
  camera.timer = setTimeout(step, 500, camera);
}

// The picture of this moment as JPEG in base64, its shorter side of at most so many pixels.
function picture({ video }, side, quality) {
  const [wide, high] = [video.videoWidth, video.videoHeight];
  const factor = Math.min(1, side / Math.min(wide, high));
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(wide * factor));
  canvas.height = Math.max(1, Math.round(high * factor));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(video, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/jpeg", quality).split(",")[1];
}

function take(camera, answer) {
  const now = performance.now();
  if (!camera.stream || answer.number !== camera.pending?.number) {
    // The page was drawn anew: a frame that was on its way is perhaps lost.
    if (camera.pending) camera.pending.until = Math.min(camera.pending.until, now + PATIENCE.least);
    return step(camera);
  }
  const { at } = camera.pending;
  camera.pending = undefined;
  camera.known = true;
  if (answer.refusal) {
    camera.next = now + AFTER_REFUSAL;
    say(camera, ".detail", answer.refusal);
  } else {
    camera.answered.push(now);
    camera.delays = [...camera.delays, now - at].slice(-5);
    camera.delay = camera.delays.reduce((sum, one) => sum + one, 0) / camera.delays.length;
    camera.said = true;
    draw(camera, answer);
  }
  step(camera);
}

function draw(camera, { headline, detail, likeliest, seen, heat }) {
  say(camera, ".answer", headline);
  say(camera, ".detail", detail);
  const [left, top, right, bottom] = seen.map((edge) => 100 * edge);
  const box = camera.part(".seen");
  Object.assign(box.style, { left: `${left}%`, top: `${top}%`, width: `${right - left}%`, height: `${bottom - top}%` });
  box.classList.add("known");
  const image = camera.part("img");
  image.hidden = !heat;
  if (heat) image.src = heat;
  const bars = camera.part(".bars");
  while (bars.children.length < likeliest.length) bars.append(bar());
  while (bars.children.length > likeliest.length) bars.lastChild.remove();
  likeliest.forEach(([label, probability, percent], index) => {
    const [name, fill, share] = bars.children[index].querySelectorAll("span, i, b");
    name.textContent = label;
    fill.style.width = `${100 * probability}%`;
    share.textContent = percent;
  });
}

function bar() {
  const row = document.createElement("div");
  row.innerHTML = "<span></span><div><i></i></div><b></b>";
  return row;
}

// Frames a second and delay, and what to do where they are few.
function notice(camera, now) {
  camera.answered = camera.answered.filter((when) => now - when < MEASURED);
  const many = camera.answered.length;
  const rate = many > 1 ? (1000 * (many - 1)) / (camera.answered[many - 1] - camera.answered[0]) : (1000 * many) / MEASURED;
  const waits = camera.pending && now - camera.pending.at > PATIENCE.least;
  if (now - (camera.told ?? 0) > 400 && many) {
    camera.told = now;
    say(camera, ".pace", `${rate.toFixed(1)} frames a second, ${Math.round(camera.delay)} ms from picture to answer`);
  }
  let note = "";
  if (!camera.known) note = now - camera.began > 1000 ? "Waiting for the first answer: a model that was not used yet is loaded first." : "";
  else if (waits) note = "The server does not answer. It is asked again by itself.";
  else if (now - camera.began > MEASURED && rate < (camera.slow ? SLOW.until : SLOW.below))
    note = `Fewer than ${SLOW.below} frames a second: the server may be busy with other visitors. A smaller model is quicker.`;
  camera.slow = note !== "";
  say(camera, ".note", note);
}

function tint(camera) {
  camera.part(".seen").classList.toggle("plain", !settings.shown);
  camera.part("img").style.opacity = settings.opacity;
  camera.part(".opacity").disabled = !settings.shown;
}

function say(camera, name, text) {
  const element = camera.part(name);
  if (element.textContent !== text) element.textContent = text;
}
