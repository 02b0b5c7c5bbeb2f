// A pod for the tests of the command line: it answers, tells a hostile log line, and can end itself.
import { createServer } from "node:http";

const server = createServer((request, response) => {
  console.log(request.method, request.url);
  response.end("hello\n");
  if (request.url === "/end") process.exit(Number(request.headers["x-code"] ?? 0));
});
server.listen(process.env.PORT, "127.0.0.1", () => {
  console.log(`listening \u001b]0;owned\u0007\u001b[31mred\u001b[0m\rback, greeting ${process.env.GREETING}`);
});
