/** Options of the commands for keys: `--name VALUE`. */
import { parseArgs } from "node:util";
import type { z } from "zod";

/** `schema`: of the options by name. Throws one error that names every wrong option. */
export function readOptions<Schema extends z.ZodObject>(schema: Schema, args: readonly string[]): z.output<Schema> {
  const options = Object.fromEntries(Object.keys(schema.shape).map((name) => [name, { type: "string" } as const]));
  const parsed = schema.safeParse(parseArgs({ args: [...args], options }).values);
  if (parsed.success) return parsed.data;
  throw new Error(parsed.error.issues.map(({ path, message }) => `--${path.join(".")} ${message}`).join("; "));
}
