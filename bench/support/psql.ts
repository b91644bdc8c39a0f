/** `psql`, the yardstick for reading much out of the database. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { open } from "node:fs/promises";

/** Runs one statement and writes its bare rows to `file`. Error: psql is not installed, or what it said. */
export async function psqlToFile(options: { url: string; sql: string; file: string }): Promise<void> {
  const output = await open(options.file, "w");
  try {
    const args = ["--no-psqlrc", "--tuples-only", "--no-align", "--quiet", "--set=ON_ERROR_STOP=1"];
    const child = spawn("psql", [...args, `--command=${options.sql}`, options.url], {
      stdio: ["ignore", output.fd, "pipe"],
    });
    let said = "";
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (said += text));
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0) throw new Error(`psql ended with exit code ${code}: ${said}`);
  } catch (cause) {
    if ((cause as { code?: unknown }).code !== "ENOENT") throw cause;
    throw new Error("This bench needs `psql` (Debian: apt install postgresql-client).", { cause });
  } finally {
    await output.close();
  }
}

/** Runs a script, meta-commands such as `\copy` included. Error: psql is not installed, or what it said. */
export async function psqlScript(url: string, script: string): Promise<void> {
  const child = spawn("psql", ["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", url], {
    stdio: ["pipe", "ignore", "pipe"],
  });
  const missing = once(child, "error").then(([cause]: unknown[]) => {
    throw new Error("This bench needs `psql` (Debian: apt install postgresql-client).", { cause });
  });
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => (said += text));
  child.stdin?.on("error", () => undefined).end(script);
  const [code] = (await Promise.race([once(child, "close"), missing])) as [number | null];
  if (code !== 0) throw new Error(`psql ended with exit code ${code}: ${said}`);
}
