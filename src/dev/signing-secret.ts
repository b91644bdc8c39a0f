/** What signs the embedded stack's download links: made once, kept between runs, so that links outlive a restart. */
import { randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** `folder`: the stack's, which has one start at a time. */
export async function ensureSigningSecret(folder: string): Promise<string> {
  const file = join(folder, "signing-secret");
  const kept = (await readFile(file, "utf8").catch(() => "")).trim();
  if (kept.length >= 32) return kept;
  const secret = randomBytes(32).toString("base64url");
  await writeFile(`${file}.new`, `${secret}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return secret;
}
