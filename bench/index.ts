/** Registry of benches, one line each; test/rules/benches.test.ts holds docs/performance.md against it. */
import { eta } from "./eta.ts";
import { group } from "./group.ts";
import { jobsAtScale } from "./jobs-at-scale.ts";
import { fairness } from "./fairness.ts";
import { bulkImport } from "./bulk-import.ts";
import { mirrorCost } from "./mirror-cost.ts";
import { notifyTax } from "./notify-tax.ts";
import { operatorTruth } from "./operator-truth.ts";
import { publishBig } from "./publish-big.ts";
import { publishThroughput } from "./publish-throughput.ts";
import { reconcilerCost } from "./reconciler-cost.ts";
import { releaseJson } from "./release-json.ts";
import { sseFanoutPeers } from "./sse-fanout-peers.ts";
import { sseFanout } from "./sse-fanout.ts";
import { sseLatency } from "./sse-latency.ts";
import { sseManyJobs } from "./sse-many-jobs.ts";
import { tiles } from "./tiles.ts";
import { svgImport } from "./svg-import.ts";
import { verifyTiles } from "./verify-tiles.ts";
import type { Bench } from "./support/bench.ts";

const PUBLISHING = [publishThroughput, publishBig, releaseJson, verifyTiles];
const CUTTING = [tiles];
const WATCHING = [sseFanout, sseFanoutPeers, sseManyJobs, sseLatency];
const REPORTING = [notifyTax, mirrorCost];
const OPERATING = [operatorTruth, reconcilerCost, jobsAtScale, eta];
const SHARING = [fairness];
const JOBS = [bulkImport, svgImport, group];

export const BENCHES: readonly Bench[] = [
  ...PUBLISHING,
  ...CUTTING,
  ...WATCHING,
  ...REPORTING,
  ...OPERATING,
  ...SHARING,
  ...JOBS,
];
