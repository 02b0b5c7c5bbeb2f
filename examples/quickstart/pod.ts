/** The server in the pod. It opens only with the token or a signed URL. */
import { createServer, type IncomingMessage } from "node:http";
import { hashToken, verifySignedUrl, verifyToken } from "atlas-compute/auth";

const { PORT, HOST = "127.0.0.1", ATLAS_PRESHARED_KEY, ATLAS_SIGNING_SECRET, ATLAS_COMPUTE_ID } = process.env;
if (!PORT || !ATLAS_PRESHARED_KEY || !ATLAS_SIGNING_SECRET)
  throw new Error(
    "start this server through main.ts: it needs PORT, ATLAS_PRESHARED_KEY and ATLAS_SIGNING_SECRET",
  );
const hash = hashToken(ATLAS_PRESHARED_KEY);
const secret = ATLAS_SIGNING_SECRET;

function isAllowed({ url, headers }: IncomingMessage): boolean {
  const token = headers.authorization?.match(/^Bearer (.+)$/i)?.[1];
  return verifyToken(token, hash) || verifySignedUrl(url ?? "", { secret }).ok;
}

createServer((request, response) => {
  if (!isAllowed(request)) {
    response.writeHead(401, { "www-authenticate": "Bearer" }).end();
    return;
  }
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ computeId: ATLAS_COMPUTE_ID, pid: process.pid }));
}).listen(Number(PORT), HOST, () => console.log(`listening on port ${PORT}`));
