/** Putting the `temporal` binary into the tool cache: downloaded in seconds, or built with Go in minutes. */
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { capture } from "./run.js";
import { Missing, say, showProgress } from "./say.js";
import { cachedTemporal, CLI_VERSION, isUsable, toolFolder } from "./temporal-cli.js";

/** Where Temporal's SDKs, too, download the CLI from. */
const DOWNLOADS = "https://temporal.download/cli/archive";

/**
 * Fills the cache; several at once, from several clones, are harmless: each works in a folder of its own and renames at the end.
 * @param {string} [from] where to download from
 */
export async function fetchTemporal(from = DOWNLOADS) {
  await mkdir(toolFolder(), { recursive: true });
  const folder = await mkdtemp(join(toolFolder(), "unfinished-"));
  try {
    const binary = (await download(folder, from)) ?? (await build(folder));
    if (!(await isUsable(binary))) throw new Missing(`The temporal binary at ${binary} does not run on this machine.`);
    await rename(binary, cachedTemporal());
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * The binary, or null with a sentence when it cannot be had.
 * @param {string} folder
 * @param {string} from
 */
async function download(folder, from) {
  const arch = process.arch === "x64" ? "amd64" : process.arch;
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const archive = join(folder, platform === "windows" ? "temporal.zip" : "temporal.tar.gz");
  try {
    await showProgress(`Downloading the Temporal CLI ${CLI_VERSION} (about 50 MB)`, async (note) => {
      const stalled = new AbortController();
      // No answer within 10 s, or none for 10 s on the way: building it is quicker than waiting.
      const timer = setTimeout(() => stalled.abort(new Error("no answer for 10 s")), 10_000);
      try {
        const answer = await fetch(`${from}/v${CLI_VERSION}?platform=${platform}&arch=${arch}`, {
          signal: stalled.signal,
        });
        if (!answer.ok || !answer.body) throw new Error(`HTTP ${answer.status}`);
        let bytes = 0;
        const body = Readable.fromWeb(/** @type {import("node:stream/web").ReadableStream} */ (answer.body));
        body.on("data", (chunk) => {
          timer.refresh();
          bytes += chunk.length;
          note(`${Math.round(bytes / 1e6)} MB`);
        });
        await pipeline(body, createWriteStream(archive));
      } finally {
        clearTimeout(timer);
      }
    });
    // Both bsdtar (macOS, Windows) and GNU tar guess the compression.
    const unpacked = await capture("tar", ["-xf", archive, "-C", folder]);
    if (unpacked.code !== 0) throw new Error(`tar: ${unpacked.output.trim()}`);
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    say(`It cannot be downloaded (${cause instanceof Error ? cause.message : String(cause)}).`);
    return null;
  }
  return join(folder, platform === "windows" ? "temporal.exe" : "temporal");
}

/** @param {string} folder */
async function build(folder) {
  const go = await capture("go", ["version"]);
  if (go.code !== 0) {
    throw new Missing(
      "The Temporal CLI is missing: it is not on PATH, cannot be downloaded, and there is no Go to build it with. " +
        "Connect to the internet, or install Go (apt-get install golang, brew install go), or set PLATEN_TEMPORAL_CLI to the binary.",
    );
  }
  const module = `github.com/temporalio/cli/cmd/temporal@v${CLI_VERSION}`;
  const headline = `Building the Temporal CLI ${CLI_VERSION} with Go: once per machine, 4 to 6 minutes on 2 cores`;
  await showProgress(headline, async (note) => {
    let packages = 0;
    const { code, output } = await capture("go", ["install", "-v", "-ldflags=-s -w", module], {
      env: { ...process.env, GOBIN: folder },
      // `go: downloading …` for modules, then one line for each package that is compiled.
      onLine: (line) =>
        note(line.startsWith("go: ") ? line.slice(4) : `${(packages += 1)} of about 1,300 packages, ${line}`),
    });
    if (code === 0) return;
    throw new Missing(
      `\`go install ${module}\` failed; mend what it says and start again:\n${output.trimEnd().split("\n").slice(-12).join("\n")}`,
    );
  });
  return join(folder, process.platform === "win32" ? "temporal.exe" : "temporal");
}
