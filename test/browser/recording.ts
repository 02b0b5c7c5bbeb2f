/** A film for a playlist, recorded by the browser itself: no other program here can encode video. */
import type { Page } from "playwright-core";

/** A film in pieces, as an HLS playlist names them. */
export interface Film {
  readonly init: Buffer;
  readonly segments: readonly Buffer[];
}

/** Records a moving picture as MP4, in which a fragment begins about every tenth of a second. */
const RECORD = `async (seconds) => {
  const canvas = Object.assign(document.createElement("canvas"), { width: 64, height: 48 });
  const context = canvas.getContext("2d");
  let frame = 0;
  const timer = setInterval(() => {
    context.fillStyle = "hsl(" + (frame += 7) + " 90% 50%)";
    context.fillRect(0, 0, 64, 48);
  }, 20);
  const recorder = new MediaRecorder(canvas.captureStream(50), {
    mimeType: "video/mp4;codecs=avc1.42E01E",
    videoKeyFrameIntervalDuration: 100,
  });
  const parts = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const stopped = new Promise((resolve) => { recorder.onstop = resolve; });
  recorder.start(100);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  recorder.stop();
  await stopped;
  clearInterval(timer);
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}`;

/** Records a film and cuts it into pieces. */
export async function recordFilm(page: Page, seconds: number): Promise<Film> {
  const recorded: string = await page.evaluate(`(${RECORD})(${seconds})`);
  return cut(Buffer.from(recorded, "base64"));
}

/** Cuts fragmented MP4 in front of each `moof` box. */
function cut(file: Buffer): Film {
  const starts: number[] = [];
  let end = file.length;
  for (let at = 0; at + 8 <= file.length; ) {
    const type = file.toString("latin1", at + 4, at + 8);
    if (type === "moof") starts.push(at);
    if (type === "mfra") end = at;
    at += boxSize(file, at);
  }
  const segments = starts.map((from, index) => file.subarray(from, starts[index + 1] ?? end));
  return { init: file.subarray(0, starts[0]), segments };
}

function boxSize(file: Buffer, at: number): number {
  const size = file.readUInt32BE(at);
  if (size === 1) return Number(file.readBigUInt64BE(at + 8));
  return size === 0 ? file.length - at : size;
}
