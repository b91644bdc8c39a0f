/**
 * Programs of Debian that tests put the product behind, or in front of. `.ci/run` installs them where it may. Without one, a test
 * that needs it fails in CI, and elsewhere is skipped, with the line that installs it.
 */
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Programs, each with the package that has it. */
const PACKAGES = {
  nginx: "nginx",
  pgbouncer: "pgbouncer",
  ip: "iproute2",
  faketime: "faketime",
  soffice: "libreoffice-writer-nogui libreoffice-calc-nogui libreoffice-impress-nogui",
  pdftotext: "poppler-utils",
} as const;

/** Where programs for administrators are, which the PATH of others leaves out. */
const ADMINISTRATORS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/** The program's path; null when it is not installed, which is said on the terminal. Errors: not installed, in CI. */
export function debianProgram(name: keyof typeof PACKAGES): string | null {
  for (const folder of [...(process.env["PATH"] ?? "").split(delimiter), ...ADMINISTRATORS])
    if (isProgram(join(folder, name))) return join(folder, name);
  const remedy = `${name} is not installed: apt-get install -y --no-install-recommends ${PACKAGES[name]}`;
  if (process.env["CI"] === "true") throw new Error(remedy);
  console.warn(`Tests are skipped, for ${remedy}`);
  return null;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
