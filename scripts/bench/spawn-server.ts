/** RunPod's answers, as fast as they come, from a process of its own, which is this file again. */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { fileURLToPath } from "node:url";

const GPU = {
  id: "NVIDIA L40S",
  name: "L40S",
  pool: null,
  manufacturer: "NVIDIA",
  memory: 48,
  secure: true,
  community: true,
  price: { secure: 0.9, community: 0.8 },
  maxCount: { secure: 8, community: 8 },
  availability: "HIGH",
  dataCenters: [],
};

/** A create as it arrived. */
export interface Create {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** The creates since the last question. */
export interface Creates {
  readonly names: readonly string[];
  readonly last: Create | undefined;
}

/** The server, and what it has seen. */
export interface SpawnServer {
  readonly url: string;
  /** Asks for the creates since the last question. */
  creates(): Promise<Creates>;
  stop(): void;
}

/** Starts the server. */
export async function startSpawnServer(): Promise<SpawnServer> {
  const child: ChildProcess = fork(fileURLToPath(import.meta.url), ["serve"]);
  const [port] = await once(child, "message");
  return {
    url: `http://127.0.0.1:${port}`,
    creates: async () => {
      const answered = once(child, "message");
      child.send("creates");
      const [creates] = await answered;
      return creates;
    },
    stop: () => child.disconnect(),
  };
}

function podOf(number: number, body: unknown): object {
  const { name, env, ports } = body as { name: string; env: Record<string, string>; ports: string[] };
  return {
    ...{
      id: `pod${number}`,
      name,
      status: "PROVISIONING",
      actions: ["stop"],
      image: "i",
      disk: 50,
      ports,
      env,
    },
    ...{ gpu: { id: GPU.id, count: 1 }, cloud: "SECURE", cost: 0.9, locked: false, runtime: null },
    createdAt: new Date().toISOString(),
  };
}

async function serve(): Promise<void> {
  let names: string[] = [];
  let pods = 0;
  let last: Create | undefined;
  const server = createServer(async (request, response) => {
    const body = request.method === "POST" ? await json(request) : undefined;
    if (body !== undefined) {
      const { authorization = "", accept = "", "user-agent": agent = "" } = request.headers;
      last = {
        body,
        headers: { authorization, accept, "user-agent": agent, "content-type": "application/json" },
      };
      names.push((body as { name: string }).name);
      pods += 1;
    }
    const answer = body === undefined ? { gpus: [GPU] } : podOf(pods, body);
    response.writeHead(body === undefined ? 200 : 201, { "content-type": "application/json" });
    response.end(JSON.stringify(answer));
  }).listen(0, "127.0.0.1", 4096);
  await once(server, "listening");
  process.on("message", () => {
    process.send?.({ names, last } satisfies Creates);
    names = [];
  });
  process.on("disconnect", () => process.exit());
  const address = server.address();
  process.send?.(typeof address === "object" ? address?.port : undefined);
}

if (process.argv[2] === "serve") await serve();
