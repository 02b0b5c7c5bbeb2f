import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createNodeFetch } from "../../src/internal/node-fetch.ts";
import { type DockerOptions, type DockerProvider, docker } from "../../src/providers/docker/index.ts";
import { failureOf } from "../support/failure-of.ts";
import { TestDaemon } from "./daemon.ts";
import { startRegistry } from "./registry.ts";
import { daemonSocket } from "./socket.ts";
import { createRequest, quietContext } from "./subject.ts";

const daemon = new TestDaemon(daemonSocket());
const context = quietContext();
const credentials = { username: "me", password: "hunter2-secret" };
const images: string[] = [];
let layer: Buffer;

function connect(options: DockerOptions = {}): DockerProvider {
  return docker({ daemon: `unix://${daemon.socket}`, ...options });
}

beforeAll(async () => {
  await daemon.clear();
  const { json } = await daemon.ask("/containers/create?name=layer", "POST", {
    Image: "tiny:1",
    Cmd: ["sh"],
  });
  expect(json).toMatchObject({ Id: expect.any(String) });
  const exported = await createNodeFetch({ socketPath: daemon.socket })(
    "http://docker/containers/layer/export",
  );
  layer = Buffer.from(await exported.arrayBuffer());
});

afterEach(async () => {
  await daemon.clear();
  for (const image of images.splice(0)) await daemon.ask(`/images/${image}?force=true`, "DELETE");
});

afterAll(() => daemon.clear());

test("an image that is missing is downloaded, with progress, and its container runs", async () => {
  await using registry = await startRegistry({ layer });
  const image = `${registry.host}/test/tiny:1`;
  images.push(image);
  const messages: string[] = [];
  const report = (message: string): void => void messages.push(message);
  const created = await connect().create(createRequest({ image }), { ...context, report });
  expect(created.status).toBe("running");
  expect(messages[0]).toContain(`downloading the image ${image}`);
  const before = registry.asked.length;
  await connect().create(createRequest({ image }, "atlas-default-second"), context);
  expect(registry.asked).toHaveLength(before);
  await connect().create(
    createRequest({ image, options: { pull: "always" } }, "atlas-default-third"),
    context,
  );
  expect(registry.asked.length).toBeGreaterThan(before);
});

test("a private image needs the registry's credentials, which no error repeats", async () => {
  await using registry = await startRegistry({ layer, credentials });
  const image = `${registry.host}/test/tiny:1`;
  images.push(image);
  const wrong = { [registry.host]: { ...credentials, password: "another-secret" } };
  for (const registries of [{}, wrong]) {
    const error = await failureOf(connect({ registries }).create(createRequest({ image }), context));
    expect(error).toMatchObject({ code: "VALIDATION", mayHaveCreated: false });
    expect(String(error)).not.toContain("another-secret");
  }
  const created = await connect({ registries: { [registry.host]: credentials } }).create(
    createRequest({ image }),
    context,
  );
  expect(created.status).toBe("running");
});

test("a tag that the registry does not have is refused, and nothing is created", async () => {
  await using registry = await startRegistry({ layer });
  const error = await failureOf(
    connect().create(createRequest({ image: `${registry.host}/test/tiny:2` }), context),
  );
  expect(error).toMatchObject({ code: "VALIDATION", mayHaveCreated: false });
  expect(await daemon.containers()).toEqual([]);
});

test("a registry that does not answer leaves nothing and may be tried again", async () => {
  const error = await failureOf(
    connect().create(createRequest({ image: "127.0.0.1:1/test/tiny:1" }), context),
  );
  expect(error).toMatchObject({ code: "UNAVAILABLE", mayHaveCreated: false, retryable: true });
  expect(await daemon.containers()).toEqual([]);
});
