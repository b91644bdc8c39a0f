/** Office files as LibreOffice opens them. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { fontconfigFile } from "../../src/documents/fonts.ts";
import { debianProgram } from "./debian-program.ts";

const run = promisify(execFile);

export interface Office {
  /** Opens it as its user would, and saves it as another format. Rejects if nothing comes out: it could not be opened. */
  convert(bytes: Uint8Array, from: string, to: string): Promise<Buffer>;
  /** The same for many files by one start, which takes longer than they do; a PDF is left as it is. In their order. */
  toPdfs(files: readonly { bytes: Uint8Array; from: string }[]): Promise<Uint8Array[]>;
  /** What can be read on each page of a PDF. */
  pagesOf(pdf: Uint8Array): Promise<string[]>;
  close(): Promise<void>;
}

/** Null where LibreOffice or poppler is not installed (`debianProgram`). It has our fonts and no others. */
export async function openOffice(): Promise<Office | null> {
  const [soffice, pdftotext] = [debianProgram("soffice"), debianProgram("pdftotext")];
  if (!soffice || !pdftotext) return null;
  const folder = await mkdtemp(join(tmpdir(), "platen-office-"));
  const fonts = join(folder, "fonts.conf");
  await writeFile(fonts, fontconfigFile(join(folder, "font-cache")));
  const env = { ...process.env, FONTCONFIG_FILE: fonts, HOME: folder };
  let count = 0;
  const profile = `-env:UserInstallation=file://${join(folder, "profile")}`;
  const args = [profile, "--headless", "--norestore", "--convert-to"];
  return {
    async toPdfs(files) {
      const work = join(folder, String((count += 1)));
      const out = join(work, "out");
      await mkdir(out, { recursive: true });
      const opened: string[] = [];
      for (const [index, { bytes, from }] of files.entries()) {
        const file = join(from === "pdf" ? out : work, `${index}.${from}`);
        await writeFile(file, bytes);
        if (from !== "pdf") opened.push(file);
      }
      if (opened.length > 0) await run(soffice, [...args, "pdf", "--outdir", out, ...opened], { env, timeout: 90_000 });
      return Promise.all(files.map((_, index) => readFile(join(out, `${index}.pdf`))));
    },
    async convert(bytes, from, to) {
      const work = join(folder, String((count += 1)));
      await mkdir(work);
      await writeFile(join(work, `document.${from}`), bytes);
      // A CSV of the last sheet, and of its values.
      const target =
        to === "csv" ? "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1" : to;
      const files = ["--outdir", join(work, "out"), join(work, `document.${from}`)];
      await run(soffice, [...args, target, ...files], { env, timeout: 90_000 });
      if (to !== "csv") return readFile(join(work, "out", `document.${to}`));
      const { stdout } = await run("sh", ["-c", `cat "${join(work, "out")}"/*.csv`]);
      return Buffer.from(stdout);
    },
    async pagesOf(pdf) {
      const file = join(folder, `${(count += 1)}.pdf`);
      await writeFile(file, pdf);
      const { stdout } = await run(pdftotext, ["-layout", file, "-"], { maxBuffer: 67_108_864 });
      return stdout.split("\f").slice(0, -1);
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
