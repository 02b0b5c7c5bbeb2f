import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PortRequest } from "../../src/provider.ts";
import { toInstance } from "../../src/providers/fly/convert.ts";
import { toMachineBody } from "../../src/providers/fly/create.ts";
import { toAuthorization } from "../../src/providers/fly/credentials.ts";
import { readNetworkName, toNetworkName } from "../../src/providers/fly/network.ts";
import { toPorts, toServices } from "../../src/providers/fly/ports.ts";
import type { Machine } from "../../src/providers/fly/wire.ts";
import { createRequest, machinePlacement } from "./fly-subject.ts";

const host = { name: "atlas-default-a.fly.dev" };
const machine: Machine = { id: "e1", name: "atlas-default-a", state: "started" };

describe("a machine as an instance", () => {
  test.each([
    ["created", "provisioning"],
    ["starting", "provisioning"],
    ["started", "running"],
    ["restarting", "provisioning"],
    ["stopping", "stopped"],
    ["stopped", "stopped"],
    ["suspended", "stopped"],
    ["failed", "failed"],
    ["launch_failed", "failed"],
    ["destroying", "terminating"],
    ["destroyed", "terminated"],
    ["replaced", "unknown"],
    ["migrated", "terminated"],
    ["a state of next year", "unknown"],
    ["constructor", "unknown"],
  ])("the state %s is %s", (state, status) => {
    expect(toInstance({ ...machine, state }, host).status).toBe(status);
  });

  test.each([
    [{ exit_code: 1 }, "failed", "the program ended with exit code 1"],
    [{ exit_code: 137, oom_killed: true }, "failed", "the program ended with exit code 137, out of memory"],
    [{ oom_killed: true }, "failed", "the program ended with exit code 0, out of memory"],
    [{ exit_code: 0 }, "stopped", "the program ended with exit code 0"],
    [{ exit_code: 143, requested_stop: true }, "stopped", undefined],
  ])("stopped after the exit %o it is %s", (exit, status, message) => {
    const events = [{ type: "exit", status: "stopped", timestamp: 3, request: { exit_event: exit } }];
    const instance = toInstance({ ...machine, state: "stopped", events }, host);
    expect(instance).toMatchObject({ status, ...(message === undefined ? {} : { message }) });
    expect(instance.message).toBe(message);
  });

  test("an exit before the last start no longer counts", () => {
    const events = [
      { type: "exit", status: "stopped", timestamp: 3, request: { exit_event: { exit_code: 1 } } },
      { type: "start", status: "started", timestamp: 5 },
    ];
    const instance = toInstance({ ...machine, state: "stopping", events }, host);
    expect(instance).not.toHaveProperty("message");
    expect(instance.status).toBe("stopped");
  });

  test("a failed machine says which step failed", () => {
    const events = [
      { type: "launch", status: "created", timestamp: 1 },
      { type: "prepare", status: "failed", timestamp: 2 },
    ];
    expect(toInstance({ ...machine, state: "failed", events }, host).message).toBe("prepare: failed");
  });

  test("a machine whose host does not answer has no owner that we know of", () => {
    const config = { metadata: { atlas_owner: "owner-1" } };
    expect(toInstance({ ...machine, config }, host).owner).toBe("owner-1");
    const hidden = { ...machine, host_status: "unreachable", incomplete_config: { image: "x" } };
    expect(toInstance(hidden, host)).not.toHaveProperty("owner");
  });

  test("no value below a key env is in raw, at any depth", () => {
    const config = {
      env: { KEY: "secret-1" },
      containers: [{ name: "a", env: { KEY: "secret-2" } }],
      processes: [{ env: { LIST: ["secret-3", { deep: "secret-4" }] } }],
    };
    const text = JSON.stringify(toInstance({ ...machine, config }, host).raw);
    expect(text).not.toContain("secret-");
    expect(text).toContain('"KEY":"[redacted]"');
    expect(text).toContain('"name":"a"');
  });

  test("an invalid date and an unknown price are left out", () => {
    const instance = toInstance({ ...machine, created_at: "soon", region: "xyz" }, host);
    expect(instance).not.toHaveProperty("createdAt");
    expect(instance).not.toHaveProperty("costPerHour");
  });
});

describe("a request as a machine", () => {
  test("says everything that was asked for, in Fly's words", () => {
    const request = createRequest({
      ...machinePlacement,
      command: ["serve"],
      cpus: 2,
      memoryGb: 4,
      diskGb: 20,
    });
    const options = {
      restart: "no",
      stopMode: "suspend",
      checks: { up: { type: "http", port: 8000, path: "/up", intervalSeconds: 15, gracePeriodSeconds: 5 } },
    } as const;
    const body = toMachineBody(request, "ghcr.io/acme/server:1", options, [
      { volume: "vol_1", path: "/data" },
    ]);
    expect(body).toEqual({
      name: request.name,
      region: "fra",
      config: {
        image: "ghcr.io/acme/server:1",
        env: request.env,
        guest: { cpu_kind: "shared", cpus: 2, memory_mb: 4096 },
        metadata: { atlas_owner: "owner-1", atlas_stop_mode: "suspend", atlas_port_8000: "api" },
        restart: { policy: "no" },
        services: toServices(request.ports, "off"),
        init: { cmd: ["serve"] },
        checks: { up: { type: "http", port: 8000, path: "/up", interval: "15s", grace_period: "5s" } },
        mounts: [{ volume: "vol_1", path: "/data" }],
        rootfs: { size_gb: 20 },
      },
    });
  });

  test("lets a crash loop end, so that it can be told from a slow start", () => {
    const { config } = toMachineBody(createRequest(), "image", {}, []);
    expect(config.restart).toEqual({ policy: "on-failure", max_retries: 3 });
  });
});

describe("ports", () => {
  test("the first http port is at 443, the others keep their numbers", () => {
    const ports: readonly PortRequest[] = [
      { internal: 22, protocol: "tcp" },
      { internal: 8000, protocol: "http" },
      { internal: 9000, protocol: "http" },
    ];
    expect(toPorts(toServices(ports, "off"), host)).toEqual([
      { internal: 22, protocol: "tcp", external: 22, url: `tcp://${host.name}:22` },
      { internal: 8000, protocol: "http", external: 443, url: `https://${host.name}` },
      { internal: 9000, protocol: "http", external: 9000, url: `https://${host.name}:9000` },
    ]);
  });

  test("a number that is taken outside moves by steps of 10000", () => {
    const ports: readonly PortRequest[] = [
      { internal: 8000, protocol: "http" },
      { internal: 443, protocol: "tcp" },
      { internal: 10_443, protocol: "http" },
      { internal: 80, protocol: "http" },
    ];
    const external = toPorts(toServices(ports, "off"), host).map((port) => port.external);
    expect(external).toEqual([443, 10_443, 20_443, 10_080]);
  });

  test("any ports come back as they were asked for, each at a place of its own", () => {
    const requests = fc.uniqueArray(
      fc.record({
        internal: fc.integer({ min: 1, max: 65_535 }),
        protocol: fc.constantFrom("http" as const, "tcp" as const),
      }),
      { selector: ({ internal }) => internal, maxLength: 20 },
    );
    fc.assert(
      fc.property(requests, (ports) => {
        const services = toServices(ports, "off");
        const shown = toPorts(services, host);
        expect(shown.map(({ internal, protocol }) => ({ internal, protocol }))).toEqual(ports);
        const outside = services.flatMap((service) => service.ports ?? []).map(({ port }) => port);
        expect(new Set(outside).size).toBe(outside.length);
        for (const { url = "" } of shown) expect(URL.canParse(url)).toBe(true);
      }),
    );
  });

  test.each(["off", "stop", "suspend"] as const)(
    "with autostop %s a request starts the machine only if Fly may stop it",
    (autostop) => {
      const [service] = toServices([{ internal: 8000, protocol: "http" }], autostop);
      expect(service).toMatchObject({ autostop, autostart: autostop !== "off" });
    },
  );
});

describe("a network's name", () => {
  const now = new Date("2026-11-20T12:00:00Z");
  const app = "atlas-abcdefghijklmnopqrst-0123456789abcdefghij";

  test("is valid for Fly, and holds the owner and the start of the app", () => {
    const owner = "f47ac10b-58cc-4372-a567-0e02b2c3d479";
    const network = toNetworkName(app, owner, now);
    expect(network).toMatch(/^[A-Za-z][A-Za-z0-9-]{0,62}$/);
    expect(readNetworkName(app, network)).toEqual({ owner, createdAt: now });
  });

  test("is one that Fly takes, whatever the owner is called", () => {
    fc.assert(
      fc.property(fc.string(), (owner) => {
        const network = toNetworkName(app, owner, now);
        expect(network).toMatch(/^[A-Za-z][A-Za-z0-9-]{0,62}$/);
        expect([undefined, owner]).toContain(readNetworkName(app, network)?.owner);
      }),
    );
  });

  test.each([undefined, "default", "atlas-cdefghij-", "atlas-cdefghij-t5s", "atlas-zzzzzzzz-t5s-owner"])(
    "%s says nothing of this app",
    (network) => {
      expect(readNetworkName(app, network)).toBeUndefined();
    },
  );
});

describe("the Authorization header", () => {
  test.each([
    ["fm2_abc,fm2_def", "FlyV1 fm2_abc,fm2_def"],
    ["FlyV1 fm2_abc", "FlyV1 fm2_abc"],
    ["flyv1   fm1r_abc", "FlyV1 fm1r_abc"],
    ["Bearer fm1a_abc", "FlyV1 fm1a_abc"],
    ["Bearer FlyV1 fm2_abc", "FlyV1 fm2_abc"],
    ["  abc\n", "Bearer abc"],
    ["BEARER abc", "Bearer abc"],
    ["bearerabc", "Bearer bearerabc"],
    ["not_fm2_abc", "Bearer not_fm2_abc"],
  ])("of %j is %j", (pasted, header) => {
    expect(toAuthorization(pasted)).toBe(header);
  });
});
