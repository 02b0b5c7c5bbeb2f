import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import { createControlPlaneClient } from "../../src/guard/life/control-plane.ts";
import { systemClock } from "../../src/index.ts";

const PATH = "/api/atlas/pod/heartbeat";
const ANSWER = JSON.stringify({
  ...{ computeId: "c1", revision: 1, hashes: [], generation: 0, deadline: null },
  now: new Date().toISOString(),
});
const signal = new AbortController().signal;

/** A control plane on a socket; it remembers the paths that were asked with the pod's credential. */
async function served(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    request.resume();
    if (request.headers.authorization === "Bearer pod-token") asked.push(request.url ?? "");
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const access = { url: `${origin}/api/atlas`, podToken: "pod-token" };
  const client = createControlPlaneClient(access, { fetch, clock: systemClock });
  return {
    asked,
    origin,
    beat: async () => (await client.heartbeat({ signs: [] }, signal)).kind,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function redirect(response: ServerResponse, status: number, location: string): void {
  response.writeHead(status, { location }).end(location);
}

it.each([301, 307, 308])("a %i to the same URL with a slash is the form from then on", async (status) => {
  await using plane = await served(({ url = "" }, response) => {
    if (url.endsWith("/")) response.end(ANSWER);
    else redirect(response, status, `${url}/`);
  });
  expect([await plane.beat(), await plane.beat()]).toEqual(["answered", "answered"]);
  expect(plane.asked).toEqual([PATH, `${PATH}/`, `${PATH}/`]);
});

it("a framework that changes its form is followed back", async () => {
  let wanted = `${PATH}/`;
  await using plane = await served(({ url }, response) => {
    if (url === wanted) response.end(ANSWER);
    else redirect(response, 308, `${plane.origin}${wanted}`);
  });
  expect(await plane.beat()).toBe("answered");
  wanted = PATH;
  expect([await plane.beat(), await plane.beat()]).toEqual(["answered", "answered"]);
  expect(plane.asked).toEqual([PATH, `${PATH}/`, `${PATH}/`, PATH, PATH]);
});

it("two redirects to each other cause two requests, not more", async () => {
  await using plane = await served(({ url = "" }, response) =>
    redirect(response, 308, url.endsWith("/") ? url.slice(0, -1) : `${url}/`),
  );
  expect(await plane.beat()).toBe("unreachable");
  expect(plane.asked).toEqual([PATH, `${PATH}/`]);
});

it.each([301, 302, 303, 307, 308])(
  "a %i anywhere else is not followed with the credential",
  async (status) => {
    let location = "";
    await using plane = await served((_, response) => redirect(response, status, location));
    const elsewhere = [
      ...["/elsewhere/", PATH, `${PATH}//`, `${PATH}/?a=1`, `${PATH}/#a`, `//127.0.0.2${PATH}/`],
      ...[
        `https://127.0.0.1${PATH}/`,
        `http://127.0.0.1:1${PATH}/`,
        `http://[${PATH}/`,
        "https://evil.example",
      ],
      ...[`${plane.origin}@127.0.0.2${PATH}/`, `${plane.origin.replace("//", "//user@")}${PATH}/`],
    ];
    for (location of elsewhere) {
      plane.asked.length = 0;
      expect(await plane.beat(), location).toBe("unreachable");
      expect(plane.asked, location).toEqual([PATH]);
    }
  },
);
