/** Tenants of a shared control plane on mock accounts, with a clock that only the test moves. */
import { expect } from "vitest";
import type { Atlas } from "../../src/atlas.ts";
import type { Compute } from "../../src/compute.ts";
import {
  type ManualClock,
  type MockInstance,
  type MockProvider,
  manualClock,
  mock,
} from "../../src/providers/mock/index.ts";
import type { Store } from "../../src/store.ts";
import { memoryStore } from "../../src/stores/memory/index.ts";
import type { TenantStore } from "../../src/tenant-store.ts";
import { createTenants, type Tenants, type TenantsOptions } from "../../src/tenants/index.ts";

export const encryptionKey: string = Buffer.alloc(32, 1).toString("base64");

/** The tools of a test. */
export interface TenantsScene {
  readonly tenants: Tenants;
  readonly store: Store & TenantStore;
  readonly clock: ManualClock;
  /** The account of a key: tenants with the same key share it. */
  account(key: string): MockProvider;
  /** Registers a tenant with a key for `mock`. */
  join(name: string, key: string): Promise<Member>;
  /** Lets time pass until the promise settles. */
  settle<Result>(promise: PromiseLike<Result>): Promise<Result>;
}

/** A tenant, with its credential and its client. */
export interface Member {
  readonly id: string;
  readonly credential: string;
  readonly atlas: Atlas;
  spawn(idempotencyKey?: string): Promise<Compute>;
}

/** Sets a scene. */
export function tenantsScene({
  clock = manualClock(),
  ...options
}: Omit<Partial<TenantsOptions>, "clock"> & { readonly clock?: ManualClock } = {}): TenantsScene {
  const store = options.store ?? memoryStore({ clock });
  const accounts = new Map<string, MockProvider>();
  const account = (key: string): MockProvider => {
    const provider = accounts.get(key) ?? mock({ clock });
    accounts.set(key, provider);
    return provider;
  };
  const tenants = createTenants({ encryptionKey, providers: { mock: account }, clock, ...options, store });
  const settle = <Result>(promise: PromiseLike<Result>): Promise<Result> => clock.settle(promise);
  const join = async (name: string, key: string): Promise<Member> => {
    const { tenant, credential } = await tenants.create(name, { providerKeys: { mock: key } });
    const atlas = await tenants.atlasFor(tenant);
    const spawn = (idempotencyKey?: string): Promise<Compute> =>
      settle(atlas.spawnCompute({ image: "app:1", ports: [8000], userId: "ann", idempotencyKey }));
    return { id: tenant.id, credential, atlas, spawn };
  };
  return { tenants, store, clock, account, join, settle };
}

/** The instances of an account that exist now. */
export function alive(account: MockProvider): readonly MockInstance[] {
  return account.instances.filter(({ status }) => status !== "terminated");
}

/** A request that presents this credential. */
export function requestWith(authorization?: string): Request {
  return new Request("https://control.example/computes", authorization ? { headers: { authorization } } : {});
}

/** The error of this code. */
export function errorOf(code: string): object {
  return expect.objectContaining({ code });
}
