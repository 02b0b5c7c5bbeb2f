import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BEARER, type Proxied, proxyTo, waitFor } from "../support/proxied.ts";
import { exchange } from "./support/exchange.ts";

interface HostileAnswer {
  readonly name: string;
  readonly answer: string;
  readonly expect: number | "cut" | "either";
  readonly body?: string;
  readonly with?: string;
  readonly without?: string;
}

const { answers }: { answers: readonly HostileAnswer[] } = JSON.parse(
  readFileSync(new URL("answers.json", import.meta.url), "utf8"),
);
const REQUEST = `GET /?N HTTP/1.1\r\nHost: pod.example\r\nAuthorization: ${BEARER.authorization}\r\n\r\n`;

describe.concurrent("whatever the server behind answers, the proxy lives, and", () => {
  const behind = createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.once("data", (head) => {
      const index = Number(/\?(\d+)/.exec(head.toString("latin1"))?.[1] ?? -1);
      socket.end(
        Buffer.from(answers[index]?.answer ?? "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nalive", "latin1"),
      );
    });
  });
  let front: Omit<Proxied, "behind">;
  let port: number;

  beforeAll(async () => {
    behind.listen(0, "127.0.0.1");
    await once(behind, "listening");
    const address = behind.address();
    const target = typeof address === "object" && address !== null ? address.port : 0;
    front = await proxyTo(new URL(`http://127.0.0.1:${target}`));
    port = Number(new URL(front.url).port);
    await waitFor(() => front.watch.isListening);
  });
  afterAll(async () => {
    await front[Symbol.asyncDispose]();
    behind.close();
  });

  it.each(answers.map((one, index) => [one.name, one, index] as const))("%s", async (_, one, index) => {
    const { text, status } = await exchange(port, REQUEST.replace("N", String(index)));
    const [head = "", ...rest] = text.split("\r\n\r\n");
    expect(front.defects).toEqual([]);
    expect(text).not.toContain("smugg");
    expect(text.toLowerCase()).not.toMatch(/^trailer:|^x[-_]atlas[-_]credential/m);
    if (typeof one.expect === "number") expect(status).toBe(one.expect);
    if (one.expect === "cut") expect(text).not.toMatch(/\r\n0\r\n\r\n$/);
    if (one.body !== undefined) expect(rest.join("\r\n\r\n")).toContain(one.body);
    if (one.with !== undefined) expect(head.split("\r\n")).toContain(one.with);
    if (one.without !== undefined) expect(head.toLowerCase()).not.toContain(`\n${one.without}:`);
    expect(await (await fetch(`${front.url}/?-1`, { headers: BEARER })).text()).toBe("alive");
  });
});
