// The server of the documentation's transcripts.
import { createServer } from "node:http";

const { PORT = "8000" } = process.env;
createServer((_, response) => response.end("hello\n")).listen(Number(PORT), "127.0.0.1", () =>
  console.log("listening"),
);
