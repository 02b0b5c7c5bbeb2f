import { tellStories } from "./story.ts";

tellStories({
  name: "react-router",
  serve: () => ["node", "node_modules/@react-router/serve/bin.cjs", "build/server/index.js"],
});
