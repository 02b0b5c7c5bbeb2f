/**
 * Compares the public API with its report in test/structure/api: `npm run api`, after a build. A change that was not planned fails; `npm run api -- --update`
 * writes the new report, whose difference a review reads.
 */
import { mkdirSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { Extractor, ExtractorConfig, ExtractorLogLevel } from "@microsoft/api-extractor";
import { type Entry, entries } from "./entries.ts";

const REPORTS = "test/structure/api";
const TEMPORARY = "node_modules/.cache/api";

const { values } = parseArgs({ options: { update: { type: "boolean", default: false } } });

/** Writes or compares the report of one entry. @returns true where it differs from the one that is kept */
function report({ subpath, types }: Entry): boolean {
  const name = subpath === "." ? "index" : subpath.slice("./".length);
  const configObject = {
    projectFolder: resolve("."),
    mainEntryPointFilePath: resolve(types),
    compiler: { tsconfigFilePath: resolve("tsconfig.build.json") },
    apiReport: {
      enabled: true,
      reportFileName: name,
      reportFolder: resolve(REPORTS),
      reportTempFolder: resolve(TEMPORARY),
      includeForgottenExports: true,
    },
    docModel: { enabled: false },
    dtsRollup: { enabled: false },
    tsdocMetadata: { enabled: false },
    messages: { extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } } },
  };
  const config = ExtractorConfig.prepare({
    configObject,
    configObjectFullPath: undefined,
    packageJsonFullPath: resolve("package.json"),
  });
  const { apiReportChanged } = Extractor.invoke(config, {
    localBuild: values.update,
    showVerboseMessages: false,
    messageCallback: quiet,
  });
  return apiReportChanged;
}

/** The tool's own lines say nothing that the result does not. */
function quiet(message: { handled: boolean; logLevel: ExtractorLogLevel }): void {
  message.handled = message.logLevel !== ExtractorLogLevel.Error;
}

mkdirSync(REPORTS, { recursive: true });
mkdirSync(TEMPORARY, { recursive: true });
const changed = entries.filter(report).map(({ subpath }) => subpath);
rmSync(TEMPORARY, { recursive: true });
if (changed.length > 0 && !values.update) {
  console.error(`The public API of ${changed.join(", ")} differs from its report in ${REPORTS}.`);
  console.error("If the change is planned: npm run api -- --update, and commit the report.");
  process.exitCode = 1;
} else
  console.log(
    `${entries.length} entries: ${changed.length === 0 ? "no change" : `${changed.length} reports written`}`,
  );
