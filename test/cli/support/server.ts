/** A server that a guard supervises in tests: `server.ts <port>`. It ends with the code 7 on SIGINT. */
import { createServer } from "node:http";

const server = createServer((request, response) => {
  if (request.url === "/exit") process.exit(5);
  if (request.url === "/slow") {
    process.stdout.write("a slow request\n");
    setTimeout(() => response.end("done"), 300);
  } else response.end(JSON.stringify({ url: request.url, headers: request.headers }));
});
process.on("SIGINT", () => process.exit(7));
server.listen(Number(process.argv[2]), "127.0.0.1");
