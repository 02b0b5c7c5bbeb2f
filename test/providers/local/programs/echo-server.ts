/** A pod that answers with what it was told. */
import { createServer } from "node:http";

const { PORT, ATLAS_PORT_9000, GREETING } = process.env;
for (const port of new Set([PORT, ATLAS_PORT_9000]))
  createServer((request, response) => response.end(`${GREETING} on ${port}${request.url}`)).listen(
    Number(port),
    "127.0.0.1",
  );
