import { afterAll, beforeAll, expect, test } from "vitest";
import { systemClock } from "../../src/clock.ts";
import { FakeDaemon } from "../fakes/docker.ts";
import { TestDaemon } from "./daemon.ts";
import { daemonSocket } from "./socket.ts";

const daemon = new TestDaemon(daemonSocket());
const fake = new FakeDaemon({ clock: systemClock });

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function askFake(path: string, method: string, body?: unknown): Promise<Answer> {
  const init = { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const answer = await fake.handle(new Request(`http://docker${path}`, init));
  return { status: answer.status, text: await answer.text() };
}

/** The parts of an answer that the adapter reads, without what differs from run to run. */
function comparable({ status, text }: Answer): unknown {
  const json: unknown = text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : text.trim();
  return { status, facts: factsOf(json) };
}

function factsOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(factsOf);
  if (typeof value !== "object" || value === null) return withoutIds(value);
  if ("message" in value) return { message: withoutIds(value.message) };
  const { State, Name, Names, Labels, Config, HostConfig, NetworkSettings } = Object(value);
  return {
    ...{ Name, Names, Labels },
    State: typeof State === "object" ? [State.Status, State.ExitCode, State.OOMKilled] : State,
    Config: Config && [Config.Labels, Config.Env?.filter((pair: string) => !pair.startsWith("PATH="))],
    policy: HostConfig?.RestartPolicy?.Name,
    ports: NetworkSettings?.Ports && Object.keys(NetworkSettings.Ports),
  };
}

function withoutIds(value: unknown): unknown {
  return typeof value === "string" ? value.replaceAll(/[0-9a-f]{64}/g, "<id>") : value;
}

const BODY = {
  Image: "tiny:1",
  Cmd: ["sh", "-c", "sleep 600"],
  Env: ["A=1"],
  Labels: { "atlas.owner": "me" },
  ExposedPorts: { "8000/tcp": {} },
  HostConfig: {
    Init: true,
    RestartPolicy: { Name: "no" },
    PortBindings: { "8000/tcp": [{ HostIp: "127.0.0.1", HostPort: "" }] },
  },
};
const device = (id: string): object => ({
  DeviceRequests: [{ Driver: "cdi", DeviceIDs: [`nvidia.com/gpu=${id}`] }],
});
const named = encodeURIComponent(JSON.stringify({ name: ["^/atlas-x"] }));
const labelled = encodeURIComponent(JSON.stringify({ label: ["atlas.owner"] }));

/** One request after another, and what both must answer alike. */
const SCRIPT: readonly (readonly [method: string, path: string, body?: object])[] = [
  ["GET", "/containers/atlas-x1/json"],
  ["POST", "/containers/create?name=atlas-x1", { ...BODY, Image: "nosuch:1" }],
  ["POST", "/containers/create?name=atlas-x1", { ...BODY, HostConfig: { StorageOpt: { size: "1G" } } }],
  ["POST", "/containers/create?name=atlas-x1", BODY],
  ["POST", "/containers/create?name=atlas-x1", BODY],
  ["GET", "/containers/atlas-x1/json"],
  ["POST", "/containers/atlas-x1/stop?t=1"],
  ["POST", "/containers/atlas-x1/start"],
  ["POST", "/containers/atlas-x1/start"],
  ["GET", "/containers/atlas-x1/json"],
  ["GET", `/containers/json?all=true&filters=${named}`],
  ["GET", `/containers/json?all=true&filters=${labelled}`],
  ["POST", "/containers/atlas-x1/update", { RestartPolicy: { Name: "unless-stopped" } }],
  ["POST", "/containers/atlas-x1/stop?t=1"],
  ["POST", "/containers/atlas-x1/stop?t=1"],
  ["GET", "/containers/atlas-x1/json"],
  ["POST", "/containers/nosuch/start"],
  ["POST", "/containers/nosuch/stop"],
  ["POST", "/containers/create?name=atlas-x2", { ...BODY, HostConfig: device("7") }],
  ["POST", "/containers/atlas-x2/start"],
  ["DELETE", "/containers/atlas-x2?force=true&v=true"],
  ["DELETE", "/containers/atlas-x1?force=true&v=true"],
  ["DELETE", "/containers/atlas-x1?force=true&v=true"],
  ["GET", `/containers/json?all=true&filters=${named}`],
  ["GET", "/images/nosuch:1/json"],
  ["GET", "/volumes/nosuch"],
  ["DELETE", "/volumes/nosuch"],
];

beforeAll(() => daemon.clear());
afterAll(() => daemon.clear());

test("the fake answers like the daemon, request by request", async () => {
  for (const [method, path, body] of SCRIPT) {
    const real = await daemon.ask(path, method, body);
    const ours = await askFake(path, method, body);
    expect({ request: `${method} ${path}`, answer: comparable(ours) }).toEqual({
      request: `${method} ${path}`,
      answer: comparable(real),
    });
  }
});
