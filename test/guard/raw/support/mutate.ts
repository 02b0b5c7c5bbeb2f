/** Mutations of raw requests, by a random generator with a seed. */

/** Returns a whole number from 0 to below `limit`. */
export type Random = (limit: number) => number;

/** Makes a generator (mulberry32), so that a seed repeats a run. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return (limit) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * limit);
  };
}

/** Texts that change the meaning of the bytes around them. */
const TOKENS = [
  ..."\r \n \t \0 \x0b \x7f \xe9 : , ; / // \\ . .. %2f %5c %2e %00 # ? @".split(" "),
  "\r\n",
  "\r\n\r\n",
  " ",
  "Content-Length: 5\r\n",
  "Content-Length: 0\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: identity\r\n",
  "Connection: close\r\n",
  "Connection: Upgrade\r\nUpgrade: websocket\r\n",
  "Upgrade: h2c\r\n",
  "Expect: 100-continue\r\n",
  "Host: evil.example\r\n",
  "X-Atlas-Credential: bearer\r\n",
  "Trailer: x\r\n",
  "5\r\nhello\r\n",
  "0\r\n\r\n",
  "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
  "http://pod.example",
  "/public/",
  "/../",
  "/%2e%2e/",
  "HTTP/1.0",
];

type Mutation = (random: Random, text: string, texts: readonly string[]) => string;

const mutations: readonly Mutation[] = [
  (random, text) => splice(text, random(text.length + 1), 0, pick(random, TOKENS)),
  (random, text) => splice(text, random(text.length + 1), 1 + random(4), ""),
  (random, text) => splice(text, random(text.length + 1), 1, String.fromCharCode(random(256))),
  (random, text) => onLines(text, (lines) => lines.toSpliced(random(lines.length), 1)),
  (random, text) => onLines(text, (lines) => lines.toSpliced(random(lines.length), 0, pick(random, lines))),
  (random, text) => onLines(text, (lines) => lines.toSpliced(1 + random(3), 0, pick(random, TOKENS).trim())),
  (random, text, texts) => text.slice(0, random(text.length + 1)) + tail(random, pick(random, texts)),
  (random, text, texts) => text + pick(random, texts),
  (random, text) => text.slice(0, random(text.length + 1)),
];

/** Makes a request out of one of the texts by one to four mutations. */
export function mutate(random: Random, texts: readonly string[]): string {
  let text = pick(random, texts);
  for (let count = 1 + random(4); count > 0; count -= 1) text = pick(random, mutations)(random, text, texts);
  return text;
}

function pick<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[random(items.length)];
  if (item === undefined) throw new Error("There is nothing to pick from.");
  return item;
}

function splice(text: string, at: number, count: number, added: string): string {
  return text.slice(0, at) + added + text.slice(at + count);
}

function tail(random: Random, text: string): string {
  return text.slice(random(text.length + 1));
}

function onLines(text: string, change: (lines: string[]) => string[]): string {
  return change(text.split("\r\n")).join("\r\n");
}
