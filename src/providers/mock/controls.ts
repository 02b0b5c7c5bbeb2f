/** The controls of a mock. */
import type { Provider } from "../../provider.ts";
import type { Cloud } from "./cloud.ts";
import { toMockInstance } from "./convert.ts";
import { enter } from "./fleet.ts";
import type { MockProvider } from "./types.ts";

type Controls = Omit<MockProvider, keyof Provider | "instances" | "calls">;

/** Makes the controls, by which a test changes instances without the API. */
export function controlsOf({ settings, fleet, script, gateway }: Cloud): Controls {
  return {
    fetch: gateway.fetch,
    respond: (responder) => gateway.respond(responder),
    script: (operation, ...faults) => script.add(operation, faults),
    heal: (operation) => script.clear(operation),
    switchAccount: (account) => {
      fleet.account = account;
    },
    vanish: (nameOrId) => enter(fleet.one(nameOrId), { status: "terminated" }),
    fail: (nameOrId, message) => enter(fleet.one(nameOrId), { status: "failed", message }),
    setStatus: (nameOrId, status) => enter(fleet.one(nameOrId), { status }),
    log: (nameOrId, line) => {
      fleet.one(nameOrId).lines.push({ line, at: settings.clock.now(), source: "container" });
    },
    add: (stranger) => toMockInstance(fleet.add(stranger)),
  };
}
