/** The server in the pod: it answers in words, with a sound, and with a page. The guard lets in only its user. */
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { createGuard } from "atlas-compute/guard";

const guard = createGuard();

const routes = {
  "POST /words": words,
  "GET /chime.wav": (_request, response) => response.setHeader("content-type", "audio/wav").end(chime()),
  "GET /": (_request, response) => response.setHeader("content-type", "text/html").end(PAGE),
  "GET /page.css": (_request, response) => response.setHeader("content-type", "text/css").end(STYLE),
};

createServer(
  guard.node(async (request, response) => {
    const route = routes[`${request.method} ${new URL(request.url ?? "/", "http://pod").pathname}`];
    if (route === undefined) response.writeHead(404).end();
    else await route(request, response);
  }),
).listen(Number(process.env.PORT), process.env.HOST ?? "127.0.0.1", () => console.log("the pod listens"));

/** Streams an answer, a word at a time, as a language model does. */
async function words(request, response) {
  let prompt = "";
  for await (const chunk of request.setEncoding("utf8")) prompt = (prompt + chunk).slice(0, 200);
  response.setHeader("content-type", "text/plain; charset=utf-8");
  const answer = `You asked “${prompt}”. I am a process that was spawned for you alone, and I answer you directly: no server of the application stands between us.`;
  for (const word of answer.split(/(?<= )/)) {
    if (response.closed) return;
    response.write(word);
    await sleep(60);
  }
  response.end();
}

/** Two tones that fade, as 16-bit samples. */
function chime() {
  const rate = 22_050;
  const samples = Int16Array.from({ length: rate * 2 }, (_, index) => {
    const time = index / rate;
    const tone = Math.sin(2 * Math.PI * (time < 0.35 ? 660 : 880) * time);
    return tone * Math.exp(-2.5 * time) * 12_000;
  });
  const header = Buffer.alloc(44);
  header.write("RIFF", 0);
  header.writeUInt32LE(36 + samples.byteLength, 4);
  header.write("WAVEfmt ", 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(rate * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write("data", 36);
  header.writeUInt32LE(samples.byteLength, 40);
  return Buffer.concat([header, Buffer.from(samples.buffer)]);
}

const PAGE = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Inside the pod</title><link rel="stylesheet" href="page.css">
<main><h1>Inside the pod</h1><p>This page comes from the pod itself. A link that opens once let you in, and a cookie keeps you in.</p></main></html>`;

const STYLE =
  ":root { color-scheme: light dark; font: 1.125rem/1.6 system-ui, sans-serif } main { max-width: 32rem; margin: 15vh auto; padding: 0 1.5rem }";
