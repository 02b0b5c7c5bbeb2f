/** A registry on loopback with one image, for tests of downloads. It asks for a password where it is given one. */

import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { gzipSync } from "node:zlib";

/** A registry that listens. */
export interface TestRegistry extends AsyncDisposable {
  /** `127.0.0.1:<port>`. */
  readonly host: string;
  /** Paths that were asked for. */
  readonly asked: readonly string[];
}

interface Blob {
  readonly digest: string;
  readonly bytes: Buffer;
}

const MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG_TYPE = "application/vnd.docker.container.image.v1+json";
const LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/** The image, and the password for it. */
export interface RegistryOptions {
  /** A tar file, the image's only layer: the files of `tiny:1`, as the daemon exports a container. */
  readonly layer: Buffer;
  readonly credentials?: { readonly username: string; readonly password: string };
}

/** Serves the image `test/tiny:1`. */
export async function startRegistry({ layer, credentials }: RegistryOptions): Promise<TestRegistry> {
  const { manifest, blobs } = toImage(layer);
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (!isAllowed(request, credentials)) return refuse(response);
    answer(request.url ?? "", manifest, blobs, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the registry has no port");
  return {
    host: `127.0.0.1:${address.port}`,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function toImage(layer: Buffer): { manifest: Blob; blobs: readonly Blob[] } {
  const packed = toBlob(gzipSync(layer));
  const config = toBlob(
    Buffer.from(
      JSON.stringify({
        architecture: "amd64",
        os: "linux",
        config: { Env: ["PATH=/bin"] },
        rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
      }),
    ),
  );
  const describe = (mediaType: string, { digest, bytes }: Blob): object => ({
    mediaType,
    digest,
    size: bytes.length,
  });
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: describe(CONFIG_TYPE, config),
    layers: [describe(LAYER_TYPE, packed)],
  };
  return { manifest: toBlob(Buffer.from(JSON.stringify(manifest))), blobs: [packed, config] };
}

function toBlob(bytes: Buffer): Blob {
  return { bytes, digest: digestOf(bytes) };
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function isAllowed({ headers }: IncomingMessage, credentials: RegistryOptions["credentials"]): boolean {
  if (credentials === undefined) return true;
  const expected = Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64");
  return headers.authorization === `Basic ${expected}`;
}

function refuse(response: ServerResponse): void {
  response.writeHead(401, { "www-authenticate": 'Basic realm="test"', "content-type": "application/json" });
  response.end(JSON.stringify({ errors: [{ code: "UNAUTHORIZED", message: "authentication required" }] }));
}

function answer(url: string, manifest: Blob, blobs: readonly Blob[], response: ServerResponse): void {
  if (url === "/v2/") return void response.writeHead(200).end("{}");
  const [, kind, reference = ""] = /^\/v2\/test\/tiny\/(manifests|blobs)\/(.+)$/.exec(url) ?? [];
  const isManifest = kind === "manifests" && (reference === "1" || reference === manifest.digest);
  const blob = isManifest ? manifest : blobs.find(({ digest }) => kind === "blobs" && digest === reference);
  if (blob === undefined) {
    response.writeHead(404, { "content-type": "application/json" });
    return void response.end(
      JSON.stringify({ errors: [{ code: "MANIFEST_UNKNOWN", message: "manifest unknown" }] }),
    );
  }
  response.writeHead(200, {
    "content-type": isManifest ? MANIFEST_TYPE : "application/octet-stream",
    "content-length": blob.bytes.length,
    "docker-content-digest": blob.digest,
  });
  response.end(blob.bytes);
}
