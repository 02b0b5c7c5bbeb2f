/** One client a process, however often a framework evaluates the module that makes it. */
import * as z from "zod/mini";
import { Atlas } from "../atlas.ts";
import { callable } from "../internal/option-fields.ts";
import { field, parseFields } from "../internal/parse.ts";
import type { ReaperOptions } from "../lifecycle/reap/loop.ts";
import type { Reaper } from "../lifecycle/reap/reaper.ts";

/** Makes the client. */
export type AtlasFactory = () => Atlas;

/** The shared client of one name: its factory, and what it has made so far. */
interface Shared {
  factory: AtlasFactory;
  source: string;
  client: Atlas | undefined;
  reaper: { readonly running: Reaper; readonly options: ReaperOptions | undefined } | undefined;
}

const KEY = Symbol.for("atlas-compute.shared-atlas");

const FIELDS = {
  name: field(z.string().check(z.minLength(1), z.maxLength(100)), "a string of 1 to 100 characters"),
  factory: field(callable<AtlasFactory>(), "a function that calls createAtlas"),
};

/**
 * A handle of the process's one client of this name. Frameworks evaluate a module several times in one process: for each bundle, and in
 * development at each change. Every handle of a name forwards to the same client, which its first use makes.
 *
 * In production the first factory counts. In development a factory with another source text replaces the client and closes the old one;
 * a reaper that was started goes on with the new one. `startReaper` starts one reaper however often it is called, and none while
 * a framework builds the application.
 *
 * @throws VALIDATION for a name or a factory that is not one. The factory's own errors are thrown by the first use.
 *
 * @example
 * ```ts
 * import { createAtlas } from "atlas-compute";
 * import { mock } from "atlas-compute/mock";
 * import { sharedAtlas } from "atlas-compute/server";
 *
 * export const atlas = sharedAtlas("main", () => createAtlas({ providers: [mock()] }));
 * atlas.startReaper({ untilSignal: true });
 * ```
 */
export function sharedAtlas(name: string, factory: AtlasFactory): Atlas {
  parseFields("The arguments of sharedAtlas", FIELDS, { name, factory });
  const shared = register(name, factory);
  const own = {
    startReaper: (options?: ReaperOptions) => startReaper(shared, options),
    close: () => close(shared),
    [Symbol.asyncDispose]: () => close(shared),
  };
  return forwarding(() => clientOf(shared), own);
}

function register(name: string, factory: AtlasFactory): Shared {
  const all = registry();
  const source = sourceOf(factory);
  const known = all.get(name);
  if (known === undefined) {
    const shared: Shared = { factory, source, client: undefined, reaper: undefined };
    all.set(name, shared);
    return shared;
  }
  if (known.source !== source && process.env.NODE_ENV !== "production") replace(known, factory, source);
  return known;
}

/** The shared clients by name: one map for the process, also where bundles hold copies of this module. */
function registry(): Map<string, Shared> {
  const known: Map<string, Shared> | undefined = Reflect.get(globalThis, KEY);
  if (known !== undefined) return known;
  const made = new Map<string, Shared>();
  Reflect.set(globalThis, KEY, made);
  return made;
}

/** Names that bundlers give to imports. They differ between the bundles of one application. */
const BUNDLER_NAMES = /\b_*(?:TURBOPACK|WEBPACK|vite_ssr|import)_+[\w$]*(?:\[[^\]]*\])?/gi;

/** The factory's source text, without what differs between two bundles of one source. */
function sourceOf(factory: AtlasFactory): string {
  return String(factory).replace(BUNDLER_NAMES, "").replace(/\s+/g, "");
}

function replace(shared: Shared, factory: AtlasFactory, source: string): void {
  const { client: old, reaper } = shared;
  Object.assign(shared, { factory, source, client: undefined, reaper: undefined });
  if (old !== undefined)
    old.close().catch((error: unknown) => {
      process.emitWarning(`atlas-compute: the client that a new one replaces did not close: ${error}`);
    });
  if (reaper !== undefined) startReaper(shared, reaper.options);
}

function clientOf(shared: Shared): Atlas {
  shared.client ??= shared.factory();
  return shared.client;
}

async function close(shared: Shared): Promise<void> {
  const { client } = shared;
  Object.assign(shared, { client: undefined, reaper: undefined });
  await client?.close();
}

/** Starts the reaper, or returns the one that runs. */
function startReaper(shared: Shared, options: ReaperOptions | undefined): Reaper {
  if (isBuilding()) return RESTING;
  if (shared.reaper !== undefined) return shared.reaper.running;
  const reaper = clientOf(shared).startReaper(options);
  const stop = (): Promise<void> => {
    if (shared.reaper?.running === running) shared.reaper = undefined;
    return reaper.stop();
  };
  const running: Reaper = { stop, [Symbol.asyncDispose]: stop };
  shared.reaper = { running, options };
  return running;
}

/** True while Next (`NEXT_PHASE`) or React Router builds the application, which evaluates its modules and answers no request. */
function isBuilding(): boolean {
  const { NEXT_PHASE, IS_RR_BUILD_REQUEST } = process.env;
  return NEXT_PHASE === "phase-production-build" || IS_RR_BUILD_REQUEST === "yes";
}

const nothing = async (): Promise<void> => undefined;
const RESTING: Reaper = { stop: nothing, [Symbol.asyncDispose]: nothing };

/** A client whose methods call the current client's. To look at a method makes no client yet; to call it does. */
function forwarding(current: () => Atlas, own: object): Atlas {
  const target: Atlas = Object.create(Atlas.prototype);
  return new Proxy(target, {
    get: (_, property) => {
      if (Reflect.has(own, property) && Object.hasOwn(own, property)) return Reflect.get(own, property);
      const member = memberOf(property);
      if (member === undefined) return undefined;
      if (typeof member.value !== "function") return Reflect.get(current(), property);
      return (...parameters: unknown[]): unknown => {
        const client = current();
        return Reflect.apply(Reflect.get(client, property), client, parameters);
      };
    },
  });
}

/** The member of every client that has this name. */
function memberOf(property: PropertyKey): PropertyDescriptor | undefined {
  for (let prototype: object | null = Atlas.prototype; prototype !== null; ) {
    if (prototype === Object.prototype) return undefined;
    const member = Object.getOwnPropertyDescriptor(prototype, property);
    if (member !== undefined) return member;
    prototype = Object.getPrototypeOf(prototype);
  }
  return undefined;
}
