/** Follows docs/react-router.md word for word, and uses the application that it makes in Chromium. */
import { join } from "node:path";
import { branch, follow, type GuidedApplication, readGuide } from "./guide.ts";
import { checkPage, operatorPageAnswers, withServer } from "./guide-page.ts";
import { makeProject, runCommand } from "./project.ts";
import { reactRouterPackages } from "./react-router.ts";
import { endProcesses } from "./story.ts";

/** The application before the guide, with the files and scripts of React Router's own template. The template itself comes from a network that CI has not. */
const TEMPLATE = {
  "package.json": JSON.stringify({
    private: true,
    type: "module",
    scripts: {
      dev: "react-router dev",
      build: "react-router build",
      start: "react-router-serve ./build/server/index.js",
      typecheck: "react-router typegen && tsc",
    },
  }),
  "react-router.config.ts":
    'import type { Config } from "@react-router/dev/config";\n\nexport default {\n  ssr: true,\n} satisfies Config;\n',
  "vite.config.ts":
    'import { reactRouter } from "@react-router/dev/vite";\nimport { defineConfig } from "vite";\n\nexport default defineConfig({\n  plugins: [reactRouter()],\n});\n',
  "tsconfig.json": JSON.stringify({
    include: ["**/*", "**/.server/**/*", "**/.client/**/*", ".react-router/types/**/*"],
    compilerOptions: {
      lib: ["DOM", "DOM.Iterable", "ES2022"],
      types: ["node", "vite/client"],
      target: "ES2022",
      module: "ES2022",
      moduleResolution: "bundler",
      jsx: "react-jsx",
      rootDirs: [".", "./.react-router/types"],
      esModuleInterop: true,
      verbatimModuleSyntax: true,
      noEmit: true,
      skipLibCheck: true,
      strict: true,
    },
  }),
  "app/root.tsx": `
import { Links, Meta, Outlet, Scripts, ScrollRestoration } from "react-router";

export function Layout({ children }: { children: React.ReactNode }) {
  return (
    <html lang="en">
      <head><Meta /><Links /></head>
      <body>{children}<ScrollRestoration /><Scripts /></body>
    </html>
  );
}

export default function App() {
  return <Outlet />;
}
`,
};
const TOOLS = ["@types/node", "@types/react", "@types/react-dom", "typescript"];

const development = (port: number): readonly string[] => [
  ...["npm", "run", "dev", "--", "--host", "127.0.0.1", "--port", String(port)],
];
const production = (): readonly string[] => ["npm", "start"];

/** Follows the guide: development, production, and each section that changes the application. */
export async function checkReactRouterGuide(folder: string, tarball: string): Promise<void> {
  await makeProject(folder, [...(await reactRouterPackages()), ...TOOLS], TEMPLATE);
  const env = { XDG_STATE_HOME: join(folder, "state") };
  const app = { guide: await readGuide("docs/react-router.md"), folder, tarball, env };
  try {
    await follow(app, "A button that starts a pod");
    await follow(app, "A page for operators");
    await runCommand(folder, ["npm", "run", "typecheck"]);
    await checkPage({ ...app, command: development, afterwards: operatorPageAnswers(200) });
    await checkPage({ ...app, command: production, afterwards: operatorPageAnswers(401) });
    console.log("  types, development and a production build: start, ask, stop, and the operator page");
    await checkBaseName(app);
    await checkCron(app);
  } finally {
    await endProcesses(join(env.XDG_STATE_HOME, "atlas-compute", "local"));
  }
}

async function checkBaseName(app: GuidedApplication): Promise<void> {
  const branched = await branch(app, "A base name", "build");
  for (const command of [development, production]) await checkPage({ ...branched, command, base: "/studio" });
  console.log("  a base name, in development and production: start, ask, stop");
}

async function checkCron(app: GuidedApplication): Promise<void> {
  const branched = await branch(app, "Without a long-lived process", "build");
  const secret = "a-secret-of-the-cron-that-is-long-enough";
  const env = { ...app.env, CRON_SECRET: secret };
  await withServer({ ...branched, env, command: production }, async ({ url }) => {
    for (const [given, expected] of [
      [secret, 200],
      ["another", 401],
    ] as const) {
      const headers = { authorization: `Bearer ${given}` };
      const { status } = await fetch(`${url}/api/atlas/internal/reap`, { headers });
      if (status !== expected) throw new Error(`the cron was answered with ${status} and not ${expected}`);
    }
  });
  console.log("  a cron instead of the reaper: a pass, and none with another secret");
}
