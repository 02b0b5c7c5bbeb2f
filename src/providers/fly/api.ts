/** The Machines API, a function for each request. */

import type { CallContext } from "../../call-context.ts";
import { AtlasError, type AtlasErrorCode, isAtlasError } from "../../errors.ts";
import { createHttpClient, type HttpClient, type HttpRequest, unlessNotFound } from "../../internal/http.ts";
import { describe } from "../../internal/parse.ts";
import type { FlySettings } from "./options.ts";
import { createPace } from "./pace.ts";
import { classifyRefusal } from "./refusals.ts";
import {
  type Address,
  type AddressType,
  type AnyEntry,
  type App,
  type AppBody,
  addressListAnswer,
  appAnswer,
  appListAnswer,
  type LogEntry,
  logsAnswer,
  MACHINE_ID,
  type Machine,
  type MachineBody,
  machineAnswer,
  machineListAnswer,
  orgMachinesAnswer,
  tokensAnswer,
  type VolumeBody,
  volumeAnswer,
} from "./wire.ts";

/** A page of an organization's machines. */
export interface OrgMachinesPage {
  readonly machines: readonly AnyEntry[];
  readonly nextCursor: string | undefined;
  /** Regions that did not answer, so that their machines are missing. */
  readonly silentRegions: readonly string[];
}

/** A page of log entries, and the token of the next page. */
export interface LogPage {
  readonly entries: readonly LogEntry[];
  readonly nextToken: string | undefined;
}

/** Requests to Fly. A request that reads one thing resolves to `undefined` when Fly says that the thing does not exist. */
export interface FlyApi {
  /** Creates the app, and waits until Fly says that it is ready. Not every part of Fly knows a new app at once even then. */
  createApp(body: AppBody, context: CallContext): Promise<void>;
  app(app: string, context: CallContext): Promise<App | undefined>;
  /** The organization's apps, and their number as Fly counts them. */
  apps(org: string, context: CallContext): Promise<{ apps: readonly AnyEntry[]; total: number | undefined }>;
  /** Deletes the app; `force` deletes its machines and volumes too. An absent app is success, and `false`. */
  deleteApp(app: string, force: boolean, context: CallContext): Promise<boolean>;
  addresses(app: string, context: CallContext): Promise<readonly Address[]>;
  assignAddress(app: string, type: AddressType, context: CallContext): Promise<void>;
  /** Creates a volume and returns its id. */
  createVolume(app: string, body: VolumeBody, context: CallContext): Promise<string>;
  createMachine(app: string, body: MachineBody, context: CallContext): Promise<Machine>;
  machine(app: string, id: string, context: CallContext): Promise<Machine | undefined>;
  /** The app's machines, without destroyed ones; `undefined` when the app does not exist. */
  machines(app: string, context: CallContext): Promise<readonly AnyEntry[] | undefined>;
  orgMachines(
    org: string,
    page: { readonly limit: number; readonly cursor: string | undefined },
    context: CallContext,
  ): Promise<OrgMachinesPage>;
  act(app: string, id: string, action: "start" | "stop" | "suspend", context: CallContext): Promise<void>;
  /** Waits for a state, for about half of the time limit of a request. @throws TIMEOUT when the machine does not reach it. */
  waitFor(
    app: string,
    machine: Pick<Machine, "id" | "instance_id">,
    state: "stopped" | "suspended",
    context: CallContext,
  ): Promise<void>;
  /** Deletes the machine, even a running one. An absent machine is success. */
  deleteMachine(app: string, id: string, context: CallContext): Promise<void>;
  logs(query: LogQuery, context: CallContext): Promise<LogPage>;
  /** The organizations that the token is for, by name; empty for a token that Fly does not describe. */
  organizations(context: CallContext): Promise<readonly string[]>;
}

/** The log entries to read. */
export interface LogQuery {
  readonly app: string;
  readonly instance: string | undefined;
  readonly nextToken: string | undefined;
}

const read = (path: string, query: HttpRequest["query"] = {}): HttpRequest => ({
  method: "GET",
  path,
  query,
  idempotent: true,
});
const post = (
  path: string,
  json: unknown,
  more: Pick<HttpRequest, "secrets" | "query"> = {},
): HttpRequest => ({
  method: "POST",
  path,
  json,
  idempotent: false,
  ...more,
});
const remove = (path: string, query: HttpRequest["query"] = {}): HttpRequest => ({
  method: "DELETE",
  path,
  query,
  idempotent: true,
});

const MIN_SECRET_ARGUMENT = 8;
const mayBeSecret = (argument: string): boolean => argument.length >= MIN_SECRET_ARGUMENT;

const appPath = (app: string): string => `/apps/${encodeURIComponent(app)}`;

/** @throws VALIDATION for an id that no machine has, because such an id could lead to another path. */
function machinePath(app: string, id: string): string {
  if (MACHINE_ID.test(id)) return `${appPath(app)}/machines/${id}`;
  const message = `fly: ${describe(id)} is not the id of a machine: digits and small letters`;
  throw new AtlasError("VALIDATION", message, { provider: "fly", mayHaveCreated: false });
}

/** The longest list that Fly answers in one piece: all apps of an organization, or all machines of an app. */
const WHOLE_LIST_BYTES = 50_000_000;

/** Makes requests with these settings and credentials. */
export function createFlyApi(settings: FlySettings, authorization: () => string): FlyApi {
  const { fetch, clock } = settings;
  const common = {
    provider: "fly",
    headers: () => ({ authorization: authorization() }),
    classify: classifyRefusal,
    fetch,
    clock,
  };
  const http = createHttpClient({ ...common, baseUrl: settings.baseUrl, turn: createPace(clock) });
  const logs = createHttpClient({ ...common, baseUrl: settings.logsBaseUrl });
  return { ...appRequests(http), ...machineRequests(http), ...logRequests(logs), ...tokenRequests(http) };
}

function appRequests(
  http: HttpClient,
): Pick<
  FlyApi,
  "createApp" | "app" | "apps" | "deleteApp" | "addresses" | "assignAddress" | "createVolume" | "orgMachines"
> {
  return {
    createApp: (body, context) => http.send(post("/apps", body, { query: { wait: true } }), context),
    app: (app, context) => unlessNotFound(http.read(read(appPath(app)), appAnswer, context)),
    apps: async (org, context) => {
      const request = { ...read("/apps", { org_slug: org }), maxBytes: WHOLE_LIST_BYTES };
      const { apps, total_apps } = await http.read(request, appListAnswer, context);
      return { apps: apps ?? [], total: total_apps ?? undefined };
    },
    deleteApp: async (app, force, context) => {
      const removal = http.send(remove(appPath(app), force ? { force } : {}), context).then(() => true);
      return (await unlessNotFound(removal)) ?? false;
    },
    addresses: async (app, context) => {
      const { ips } = await http.read(read(`${appPath(app)}/ip_assignments`), addressListAnswer, context);
      return ips ?? [];
    },
    assignAddress: (app, type, context) =>
      http.send(post(`${appPath(app)}/ip_assignments`, { type }), context),
    createVolume: async (app, body, context) => {
      const volume = await http.read(post(`${appPath(app)}/volumes`, body), volumeAnswer, context);
      return volume.id;
    },
    orgMachines: async (org, { limit, cursor }, context) => {
      const path = `/orgs/${encodeURIComponent(org)}/machines`;
      const page = await http.read(read(path, { limit, cursor }), orgMachinesAnswer, context);
      const { machines, next_cursor, error_regions } = page;
      return {
        machines: machines ?? [],
        nextCursor: next_cursor || undefined,
        silentRegions: error_regions ?? [],
      };
    },
  };
}

function machineRequests(
  http: HttpClient,
): Pick<FlyApi, "createMachine" | "machine" | "machines" | "act" | "waitFor" | "deleteMachine"> {
  return {
    createMachine: (app, body, context) => {
      const { env, init } = body.config;
      const secrets = [...Object.values(env), ...(init?.cmd ?? []).filter(mayBeSecret)];
      return http.read(post(`${appPath(app)}/machines`, body, { secrets }), machineAnswer, context);
    },
    machine: async (app, id, context) =>
      unlessNotFound(http.read(read(machinePath(app, id)), machineAnswer, context)),
    machines: async (app, context) => {
      const request = { ...read(`${appPath(app)}/machines`), maxBytes: WHOLE_LIST_BYTES };
      return unlessNotFound(
        http.read(request, machineListAnswer, context).then((machines) => machines ?? []),
      );
    },
    act: async (app, id, action, context) => {
      // Fly refuses a stop without a body.
      const json = action === "stop" ? {} : undefined;
      const path = `${machinePath(app, id)}/${action}`;
      await http.send({ method: "POST", path, json, idempotent: true }, context);
    },
    waitFor: async (app, { id, instance_id: version }, state, context) => {
      const timeout = Math.min(60, Math.max(1, Math.floor(context.requestTimeoutSeconds / 2)));
      const query = { state, timeout, version: version ?? undefined };
      // No retries: Fly answers 408 when the wait is over.
      const request = { ...read(`${machinePath(app, id)}/wait`, query), idempotent: false };
      return http.send(request, context);
    },
    deleteMachine: async (app, id, context) => {
      await unlessNotFound(http.send(remove(machinePath(app, id), { force: true }), context));
    },
  };
}

/** Statuses by which Fly says that it does not describe a token of this kind, as one that is no macaroon. */
const UNDESCRIBED: readonly AtlasErrorCode[] = ["AUTH_ERROR", "FORBIDDEN", "NOT_FOUND", "VALIDATION"];

function tokenRequests(http: HttpClient): Pick<FlyApi, "organizations"> {
  return {
    organizations: async (context) => {
      try {
        const { tokens } = await http.read(read("/tokens/current"), tokensAnswer, context);
        const names = (tokens ?? []).map(({ organization, org_slug }) => organization || org_slug || "");
        return [...new Set(names)].filter((name) => name !== "").toSorted((a, b) => (a < b ? -1 : 1));
      } catch (error) {
        if (isAtlasError(error) && UNDESCRIBED.includes(error.code)) return [];
        throw error;
      }
    },
  };
}

function logRequests(logs: HttpClient): Pick<FlyApi, "logs"> {
  return {
    logs: async ({ app, instance, nextToken }, context) => {
      const query = { instance, next_token: nextToken };
      const request = read(`${appPath(app)}/logs`, query);
      const page = await unlessNotFound(logs.read(request, logsAnswer, context));
      return { entries: page?.data ?? [], nextToken: page?.meta?.next_token?.toString() || undefined };
    },
  };
}
