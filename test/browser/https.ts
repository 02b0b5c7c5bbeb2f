/** Public names with TLS in front of local servers, as a provider's edge has them: every pod is a name below one domain. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Server } from "node:tls";
import { promisify } from "node:util";
import { start } from "../guard/support/servers.ts";

/** The domain below which every pod is a name. Browsers take all of its names for one site. */
export const DOMAIN = "pods.test";

/** A certificate that a browser accepts because a flag says so. */
export interface Certificate {
  readonly key: Buffer;
  readonly cert: Buffer;
}

/** Makes a certificate by openssl. */
export async function makeCertificate(): Promise<Certificate> {
  const folder = await mkdtemp(join(tmpdir(), "atlas-certificate-"));
  const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
  const names = `subjectAltName=DNS:*.${DOMAIN},DNS:*.other.test`;
  const form = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:prime256v1",
    "-nodes",
    "-days",
    "2",
  ];
  const args = [...form, "-subj", `/CN=${DOMAIN}`, "-addext", names, "-keyout", key, "-out", cert];
  await promisify(execFile)("openssl", args);
  const made = { key: await readFile(key), cert: await readFile(cert) };
  await rm(folder, { recursive: true, force: true });
  return made;
}

/** A public origin. */
export interface Edge extends AsyncDisposable {
  readonly origin: string;
}

/** Puts TLS and a public name in front of a local server. */
export async function edgeOf(name: string, url: string, certificate: Certificate): Promise<Edge> {
  const port = Number(new URL(url).port);
  const server = createServer(certificate, (socket) => {
    const behind = connect(port, "127.0.0.1");
    for (const end of [socket, behind]) end.on("error", () => end.destroy());
    socket.on("close", () => behind.destroy());
    behind.on("close", () => socket.destroy());
    socket.pipe(behind).pipe(socket);
  });
  const listening = await start(server as unknown as Parameters<typeof start>[0]);
  return { origin: `https://${name}:${listening}`, [Symbol.asyncDispose]: () => closed(server) };
}

async function closed(server: Server): Promise<void> {
  server.close();
}
