/** The connection to the daemon: from `DOCKER_HOST`, `DOCKER_CERT_PATH` and the options. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { AtlasError } from "../../errors.ts";
import { isPrivateHost } from "../../internal/addresses.ts";
import { createNodeFetch, type Wire } from "../../internal/node-fetch.ts";
import type { DockerSettings } from "./options.ts";

/** A daemon, and the way to it. */
export interface Connection {
  /** The daemon's address, for messages. */
  readonly name: string;
  readonly baseUrl: string;
  readonly fetch: typeof globalThis.fetch;
  /** True when the daemon runs on this machine, so that its files can be read here. */
  readonly isLocal: boolean;
}

/** Finds the daemon. @throws VALIDATION when its address or its certificates cannot be used */
export function connectionOf({ daemon, certPath, fetch }: DockerSettings): Connection {
  const name = daemon();
  const [, scheme = "", rest = ""] = /^([a-z]+):\/\/(.+)$/.exec(name) ?? [];
  if (scheme === "unix" || scheme === "npipe") {
    const wire = { socketPath: rest };
    return { name, baseUrl: "http://docker", fetch: fetch ?? createNodeFetch(wire), isLocal: true };
  }
  if (scheme !== "tcp")
    throw connectionError(
      `cannot use the daemon ${name}: name a unix:// socket or tcp://host:port; for ssh, forward the socket with ssh -L`,
    );
  const folder = certPath();
  const baseUrl = `${folder === undefined ? "http" : "https"}://${rest.replace(/\/+$/, "")}`;
  if (folder === undefined) refuseOpenDaemon(name, baseUrl);
  const wire = folder === undefined ? {} : readCertificates(folder);
  return { name, baseUrl, fetch: fetch ?? createNodeFetch(wire), isLocal: false };
}

function refuseOpenDaemon(name: string, baseUrl: string): void {
  if (isPrivateHost(new URL(baseUrl).hostname)) return;
  throw connectionError(
    `refuses ${name} without TLS: each reader of that traffic could take the machine over. Set DOCKER_CERT_PATH or certPath`,
  );
}

function readCertificates(folder: string): Wire {
  try {
    const [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map((file) =>
      readFileSync(join(folder, file), "utf8"),
    );
    return { ca, cert, key };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw connectionError(`cannot read ca.pem, cert.pem and key.pem in ${folder} (${code})`);
  }
}

function connectionError(message: string): AtlasError {
  return new AtlasError("VALIDATION", `docker() ${message}`, { provider: "docker", mayHaveCreated: false });
}
