// Between the camera and the part of the page that answers it. Small, since it is sent anew with every answer.

export default function ({ data, setTriggerValue }) {
  const link = (window.cameraLink = { send: (frame) => setTriggerValue("frame", frame) });
  window.dispatchEvent(new CustomEvent("camera-answer", { detail: data }));
  return () => {
    if (window.cameraLink === link) delete window.cameraLink;
  };
}
