/** Registry of benches, one line each; test/rules/benches.test.ts holds docs/performance.md against it. */
import { mirrorCost } from "./mirror-cost.ts";
import { notifyTax } from "./notify-tax.ts";
import { publishBig } from "./publish-big.ts";
import { publishThroughput } from "./publish-throughput.ts";
import { releaseJson } from "./release-json.ts";
import { verifyTiles } from "./verify-tiles.ts";
import type { Bench } from "./support/bench.ts";

export const BENCHES: readonly Bench[] = [
  publishThroughput,
  publishBig,
  releaseJson,
  verifyTiles,
  notifyTax,
  mirrorCost,
];
