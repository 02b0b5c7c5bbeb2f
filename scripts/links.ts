/** Relative links of Markdown files. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const LINK = /\]\((?<target>[^()\s]+)\)/g;
const CODE = /^(?<fence> *```).*?^\k<fence>|`[^`\n]*`/gms;
const SCHEME = /^[a-z][a-z+.-]*:/i;

/** A sentence for every relative link under a folder that leads to no file, out of the folder, or to no heading. */
export function deadLinks(folder: string, patterns: readonly string[]): readonly string[] {
  const paths = globSync([...patterns], {
    cwd: folder,
    exclude: ["**/node_modules/**", "docs/api/**"],
  }).sort();
  return paths.flatMap((path) =>
    linksOf(readFileSync(join(folder, path), "utf8")).flatMap((link) => {
      const problem = problemOf(folder, path, link);
      return problem === undefined ? [] : [`${path}: the link ${link} ${problem}`];
    }),
  );
}

function linksOf(markdown: string): readonly string[] {
  const links = [...markdown.replaceAll(CODE, "").matchAll(LINK)].map((match) => match.groups?.target ?? "");
  return links.filter((link) => !SCHEME.test(link));
}

function problemOf(folder: string, path: string, link: string): string | undefined {
  const [file = "", heading] = link.split("#");
  const target = file === "" ? resolve(folder, path) : resolve(folder, dirname(path), decodeURI(file));
  if (relative(folder, target).startsWith("..")) return "leaves the package";
  if (!existsSync(target)) return "leads to no file";
  if (heading === undefined) return undefined;
  return headingsOf(readFileSync(target, "utf8")).has(heading) ? undefined : "leads to no heading";
}

/** The anchors of a file's headings, as Markdown renderers make them. */
function headingsOf(markdown: string): ReadonlySet<string> {
  const headings = [...markdown.matchAll(/^#{1,6} +(.+)$/gm)].map(([, text = ""]) => text);
  return new Set(
    headings.map((text) =>
      text
        .trim()
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}
