/** Loaded into `src/worker/main.ts`: its activities are those of `talkative-activities.ts`, everything else stays the product's. */
import { registerHooks } from "node:module";

const REAL = new URL("../../activities/index.ts", import.meta.url).href;
const TALKATIVE = new URL("talkative-activities.ts", import.meta.url).href;

registerHooks({
  resolve(specifier, context, next) {
    const found = next(specifier, context);
    return found.url === REAL && context.parentURL !== TALKATIVE ? { ...found, url: TALKATIVE } : found;
  },
});
