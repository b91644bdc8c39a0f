import { constants, openAsBlob } from "node:fs";
import { access } from "node:fs/promises";
import type { Command } from "commander";
import { reasonOf } from "../../errors.ts";
import { CliError } from "../cli-error.ts";
import type { CliContext, RunCommand } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { parseVersion } from "../parse-option.ts";

/** As the server answers it. */
interface SentPicture {
  media_type: string;
  width: number;
  height: number;
  changed: boolean;
}

/** Pictures are large, lines are slow, and the server says itself when a body stands still. */
const NO_TIMEOUT = 0;

/** `platen source PROJECT VERSION FILE` */
export function addSource(program: Command, run: RunCommand): void {
  program
    .command("source")
    .argument("<project>", "its slug")
    .argument("<version>", "number of a draft", parseVersion)
    .argument("<file>", "PNG, JPEG, WebP, TIFF or SVG")
    .description("put the picture into a draft that its tiles are cut from")
    .action((project: string, version: number, file: string, _: unknown, command: Command) =>
      run(command, (context) => sendPicture(context, { project, version, file })),
    );
}

async function sendPicture(
  { server, output }: CliContext,
  { project, version, file }: { project: string; version: number; file: string },
): Promise<ExitCode> {
  await access(file, constants.R_OK).catch((cause: unknown) => {
    throw new CliError(EXIT.usage, "picture_unreadable", `${file} cannot be read: ${reasonOf(cause)}.`, { cause });
  });
  // Tells its length, and is read as it is sent.
  const picture = await openAsBlob(file);
  const sent = await server().ask<SentPicture>("PUT", `/projects/${project}/versions/${version}/source`, {
    holds: "width",
    // What it is the server tells by its bytes.
    headers: { "content-type": "application/octet-stream" },
    body: () => picture,
    timeout: NO_TIMEOUT,
  });
  output.emit({ ...sent });
  const told = `${sent.width} × ${sent.height} pixels, ${sent.media_type}`;
  const kept = sent.changed ? "has a new source picture" : "has this very picture already";
  output.say(`${output.style("green", "✓")} Version ${version} of ${project} ${kept}: ${told}.`);
  return EXIT.ok;
}
