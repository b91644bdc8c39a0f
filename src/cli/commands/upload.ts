import { openAsBlob } from "node:fs";
import { basename } from "node:path";
import type { Command } from "commander";
import type { RunCommand } from "../context.ts";
import { EXIT } from "../exit-codes.ts";
import { requireFile } from "../import/read-text.ts";

interface UploadView {
  id: string;
  name: string;
  size: number;
  media_type: string;
  expires_at: string | null;
}

/** A whole file, however long the line takes; a broken connection begins it anew. */
const RETRIES = 3;

/** `platen upload FILE` */
export function addUpload(program: Command, run: RunCommand): void {
  program
    .command("upload <file>")
    .description("upload a file for a job, such as a table to import; prints the id that the job's payload names")
    .option("--name <name>", "what people see; the file's own name by default")
    .action((path: string, options: { name?: string }, command: Command) =>
      run(command, async ({ output, server }) => {
        await requireFile(path, "say where the file is");
        const name = options.name ?? basename(path);
        const file = await openAsBlob(path);
        const upload = await server().ask<UploadView>("POST", `/uploads?name=${encodeURIComponent(name)}`, {
          ...{ headers: { "content-type": "application/octet-stream" }, body: () => file },
          ...{ retries: RETRIES, timeout: 0, holds: "id" },
        });
        output.emit(upload);
        const kept =
          upload.expires_at === null ? "" : `, kept until ${upload.expires_at.slice(0, 16)}Z unless a job uses it`;
        output.say(`${output.style("green", "✓")} ${upload.name}: ${upload.size} bytes, ${upload.media_type}${kept}`);
        output.say(`  ${upload.id}`);
        return EXIT.ok;
      }),
    );
}
