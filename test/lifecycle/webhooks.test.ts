import { createServer, type IncomingMessage, type Server } from "node:http";
import { Webhook } from "standardwebhooks";
import { afterEach, describe, expect, it } from "vitest";
import { memoryStore } from "../../src/index.ts";
import type { WebhookMessage } from "../../src/lifecycle/webhooks/message.ts";
import { manualClock } from "../../src/providers/mock/index.ts";
import { type Scene, type SceneOptions, scene } from "../support/scene.ts";

const secret = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const older = `whsec_${Buffer.alloc(24, 9).toString("base64")}`;

/** A receiver, which checks every message with the library of the standard. */
class Receiver {
  readonly taken: WebhookMessage[] = [];
  readonly ids: string[] = [];
  calls = 0;
  /** Decides on a call: a status, or "dead" for a receiver that dies before it answers. */
  answer: (call: number) => number | "dead" | "dies after it took it" = () => 204;
  #server: Server | undefined;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hooks?key=of-the-receiver`;
  }

  async start(): Promise<this> {
    this.#server = createServer((request, response) => {
      void this.#take(request).then((status) =>
        typeof status === "number" ? response.writeHead(status).end() : request.socket.destroy(),
      );
    });
    await new Promise<void>((done) => this.#server?.listen(this.#port, "127.0.0.1", done));
    const address = this.#server.address();
    this.#port = typeof address === "object" ? (address?.port ?? 0) : 0;
    return this;
  }

  async kill(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((done) => this.#server?.close(done));
  }

  /** Where a test moved its clock, the library would call the message too old or too new: then it signs the message, and the signatures have to agree. */
  #verified(text: string, headers: Readonly<Record<string, string>>): unknown {
    const library = new Webhook(secret);
    const { "webhook-id": id = "", "webhook-timestamp": at, "webhook-signature": signature } = headers;
    if (Math.abs(Number(at) - Date.now() / 1000) < 200) return library.verify(text, { ...headers });
    expect(signature?.split(" ")).toContain(library.sign(id, new Date(Number(at) * 1000), text));
    return JSON.parse(text);
  }

  async #take(request: IncomingMessage): Promise<number | string> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    this.calls += 1;
    const answer = this.answer(this.calls);
    if (typeof answer === "number" && answer >= 300) return answer;
    if (answer === "dead") return answer;
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const text = Buffer.concat(chunks).toString();
    this.taken.push(this.#verified(text, headers) as WebhookMessage);
    this.ids.push(String(headers["webhook-id"]));
    return answer;
  }
}

const receivers: Receiver[] = [];
async function receiver(): Promise<Receiver> {
  const one = await new Receiver().start();
  receivers.push(one);
  return one;
}
afterEach(async () => {
  for (const one of receivers.splice(0)) await one.kill();
});

/** The clock begins at the present: the library refuses what is older than five minutes. */
function webhookScene(options: SceneOptions): Scene {
  return scene({ clock: manualClock(new Date()), fetch: (...given) => fetch(...given), ...options });
}

async function eventIds({ store }: Scene, types: readonly string[]): Promise<readonly string[]> {
  const events = await store.events({ namespace: "default" }, 1000);
  return events.filter(({ type }) => types.includes(type)).map(({ id }) => `default_${id}`);
}

const firstTimes = (ids: readonly string[]): readonly string[] => [...new Set(ids)];

/** Lets real time pass until it holds: deliveries run in the background. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 500 && !(await holds()); turn += 1)
    await new Promise((done) => setTimeout(done, 10));
  expect(await holds()).toBe(true);
}

describe("webhooks", () => {
  it("tell each event right after it, in order, signed so that the standard's library accepts it", async () => {
    const to = await receiver();
    const world = webhookScene({ webhooks: [{ url: to.url, secret: [older, secret] }] });
    const { id } = await world.atlas.spawnCompute({ userId: "ann", slot: "main", metadata: { plan: "pro" } });
    await world.atlas.terminate(id);
    const expected = await eventIds(world, ["state", "ending-soon"]);
    await until(() => to.ids.length >= expected.length);
    expect(to.ids).toEqual(expected);
    expect(to.taken[0]).toMatchObject({
      type: "compute.state",
      data: {
        ...{ computeId: id, namespace: "default", status: "pending", reason: null },
        compute: { userId: "ann", slot: "main", provider: "mock", metadata: { plan: "pro" } },
      },
    });
    expect(to.taken.at(-1)?.data).toMatchObject({ status: "terminated", reason: "requested" });
    await world.atlas.close();
  });

  it("lose nothing to a receiver that is killed before, while and after it takes a message", async () => {
    const to = await receiver();
    const world = webhookScene({ webhooks: [{ url: to.url, secret }] });
    to.answer = (call) => ([204, "dead", 503, "dies after it took it"] as const)[call % 4] ?? 204;
    for (let round = 0; round < 12; round += 1) {
      if (round === 4) await to.kill();
      if (round === 8) await to.start();
      const { id } = await world.atlas.spawnCompute({ userId: `u${round}` });
      await world.atlas.terminate(id);
      await world.clock.advance(15);
      await world.atlas.reap();
    }
    const expected = await eventIds(world, ["state"]);
    for (let pass = 0; pass < 200 && firstTimes(to.ids).length < expected.length; pass += 1) {
      await world.clock.advance(20);
      await world.atlas.reap();
    }
    expect(firstTimes(to.ids)).toEqual(expected);
    expect(to.ids.length).toBeGreaterThan(expected.length);
  }, 30_000);

  it("are sent by another process's reaper when the process that wrote the event died", async () => {
    const to = await receiver();
    const writer = webhookScene({});
    await writer.atlas.spawnCompute({});
    const options = { clock: writer.clock, store: writer.store, providers: [writer.provider] };
    const first = webhookScene({ ...options, webhooks: [{ url: to.url, secret }] });
    const second = webhookScene({ ...options, webhooks: [{ url: to.url, secret }] });
    await Promise.all([first.atlas.reap(), second.atlas.reap()]);
    expect(to.ids).toEqual(await eventIds(writer, ["state"]));
  });

  it("wait longer after each failure, while another endpoint hears at once, and give an event up after three days", async () => {
    const [bad, good] = [await receiver(), await receiver()];
    bad.answer = () => 500;
    const logged: string[] = [];
    const log = (...given: unknown[]): void => void logged.push(JSON.stringify(given));
    const world = webhookScene({
      webhooks: [bad, good].map(({ url }) => ({ url, secret })),
      logger: { debug: log, info: log, warn: log, error: log },
    });
    await world.atlas.spawnCompute({ idleTimeoutSeconds: null, maxLifetimeSeconds: null });
    const expected = await eventIds(world, ["state"]);
    await until(() => good.ids.length >= expected.length && bad.calls >= 1);
    await world.atlas.reap();
    await world.atlas.reap();
    expect(bad.calls).toBe(1);
    for (let hour = 0; hour < 24; hour += 1) {
      await world.clock.advance(3600);
      await world.atlas.reap();
    }
    expect(bad.calls).toBeLessThan(30);
    expect(bad.ids).toEqual([]);
    await world.clock.advance(3 * 86_400);
    await world.atlas.reap();
    expect(logged.filter((line) => line.includes("gave an event up")).length).toBeGreaterThanOrEqual(
      expected.length,
    );
    const text = logged.join("\n");
    for (const hidden of [secret, secret.slice(6), "of-the-receiver", "/hooks"])
      expect(text).not.toContain(hidden);
  });

  it("tell only the types that an endpoint asks for, and begin with the events of the last hour", async () => {
    const to = await receiver();
    const clock = manualClock(new Date(Date.now() - 7200_000));
    const early = webhookScene({ clock });
    await early.atlas.spawnCompute({});
    await clock.advance(7200);
    const { id } = await early.atlas.spawnCompute({});
    const world = webhookScene({
      clock,
      store: early.store,
      providers: [early.provider],
      webhooks: [{ url: to.url, secret, events: ["token"] }],
    });
    await world.atlas.rotateToken(id);
    await until(() => to.ids.length > 0);
    await world.atlas.reap({ orphans: "ignore" });
    expect(to.taken.map(({ type, data }) => [type, data.computeId])).toEqual([["compute.token", id]]);
  });

  it.each([
    [{ url: "http://app.example/hooks", secret }, /webhooks\[0\].*url/],
    [{ url: "http://10.0.0.1/hooks", secret }, /url/],
    [{ url: "https://me:pass-word@app.example", secret }, /url/],
    [
      { url: "https://app.example", secret: "whsec_dG9vIHNob3J0" },
      /secret.*"whsec_" and the base64 of 24 to 64 bytes/,
    ],
    [{ url: "https://app.example", secret: [] }, /secret/],
    [{ url: "https://app.example", secret, events: ["states"] }, /events/],
    [{ url: "https://app.example", secret, retries: 3 }, /retries/],
  ])("refuse the endpoint %o, and print no secret", (endpoint, message) => {
    const make = (): unknown => scene({ webhooks: [endpoint as never], store: memoryStore() });
    expect(make).toThrow(message);
    expect(make).not.toThrow(/dG9vIHNob3J0|pass-word/);
  });
});
