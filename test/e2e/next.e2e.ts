import { tellStories } from "./story.ts";

tellStories({
  name: "next",
  serve: (port) => [
    "node",
    "node_modules/next/dist/bin/next",
    "start",
    "-H",
    "127.0.0.1",
    "-p",
    String(port),
  ],
});
