/**
 * Records camera and microphone.
 *
 * @param seconds 2 to 10
 */
export async function record(seconds: number, onLeft: (left: number) => void): Promise<Blob> {
  if (!(seconds >= 2 && seconds <= 10)) throw new Error("A recording takes 2 to 10 seconds");
  if (navigator.mediaDevices === undefined) {
    throw new Error("This browser gives no camera to this page: open it on https or 127.0.0.1");
  }
  const stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: true }).catch((cause: unknown) => {
    const why = cause instanceof DOMException && cause.name === "NotAllowedError" ? "was not allowed" : "was not found";
    throw new Error(`Camera or microphone ${why}`);
  });
  try {
    const recorder = new MediaRecorder(stream);
    const pieces: Blob[] = [];
    recorder.ondataavailable = ({ data }) => pieces.push(data);
    const ended = new Promise<void>((resolve, reject) => {
      recorder.onstop = () => resolve();
      recorder.onerror = () => reject(new Error("The recording failed"));
    });
    recorder.start();
    for (let left = seconds; left > 0; left--) {
      onLeft(left);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    recorder.stop();
    await ended;
    return new Blob(pieces, { type: recorder.mimeType });
  } finally {
    for (const track of stream.getTracks()) track.stop();
  }
}
