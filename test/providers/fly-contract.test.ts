import { describe, expect, test } from "vitest";
import * as wire from "../../src/providers/fly/wire.ts";
import { missingFields } from "../fakes/contract-fields.ts";
import { flyContract, requireFlyContract } from "../fakes/fly-contract.ts";
import { howToGetSpecs } from "../fakes/specs.ts";
import { createRequest, flyScene, machinePlacement, quietContext } from "./fly-subject.ts";

const context = quietContext();

describe.skipIf(flyContract === undefined)(`fly() and Fly's specification (${howToGetSpecs})`, () => {
  test("whatever is asked for, requests and answers are as specified", async () => {
    const { violations, operations } = requireFlyContract();
    await using scene = await flyScene();
    const { provider, clock } = scene;
    const request = createRequest({
      ...machinePlacement,
      command: ["serve", "--port", "8000"],
      ports: [
        { internal: 8000, protocol: "http" },
        { internal: 9000, protocol: "http" },
        { internal: 22, protocol: "tcp" },
      ],
      cpus: 2,
      memoryGb: 2,
      diskGb: 10,
      volumeGb: 5,
      volumePath: "/data",
      options: {
        autostop: "suspend",
        stopMode: "suspend",
        restart: "always",
        checks: { up: { type: "http", port: 8000, path: "/", method: "GET", intervalSeconds: 15 } },
      },
    });
    const created = await clock.settle(provider.create(request, context));
    await clock.advance(60);
    await clock.settle(provider.get(created, context));
    await clock.settle(provider.stop(created, context));
    await clock.settle(provider.start(created, context));
    await clock.settle(provider.list({ namePrefix: "atlas-" }, context));
    await clock.settle(provider.create(request, context));
    await clock.settle(provider.terminate(created, context));
    expect(violations).toEqual([]);
    expect(operations).toEqual(
      new Set([
        "DELETE /apps/{app_name}",
        "DELETE /apps/{app_name}/machines/{machine_id}",
        "GET /apps",
        "GET /apps/{app_name}",
        "GET /apps/{app_name}/ip_assignments",
        "GET /apps/{app_name}/machines",
        "GET /apps/{app_name}/machines/{machine_id}",
        "GET /apps/{app_name}/machines/{machine_id}/wait",
        "GET /orgs/{org_slug}/machines",
        "POST /apps",
        "POST /apps/{app_name}/ip_assignments",
        "POST /apps/{app_name}/machines",
        "POST /apps/{app_name}/machines/{machine_id}/start",
        "POST /apps/{app_name}/machines/{machine_id}/suspend",
        "POST /apps/{app_name}/volumes",
      ]),
    );
  });

  test.each([
    ["GET /apps", wire.appListAnswer, []],
    ["GET /apps/{app_name}", wire.appAnswer, []],
    ["GET /apps/{app_name}/ip_assignments", wire.addressListAnswer, []],
    ["POST /apps/{app_name}/volumes", wire.volumeAnswer, []],
    ["GET /orgs/{org_slug}/machines", wire.orgMachinesAnswer, []],
    // The specification leaves the request in an event open; fly-go has these fields.
    ["GET /apps/{app_name}/machines/{machine_id}", wire.machineAnswer, ["events[].request.exit_event"]],
  ] as const)("%s answers every field that we read", (operation, schema, unspecified) => {
    expect(missingFields(requireFlyContract(), operation, schema)).toEqual(unspecified);
  });
});
