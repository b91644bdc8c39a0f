/** Registry of benches, one line each; test/rules/benches.test.ts holds docs/performance.md against it. */
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
import { verifyTiles } from "./verify-tiles.ts";
import type { Bench } from "./support/bench.ts";

const PUBLISHING = [publishThroughput, publishBig, releaseJson, verifyTiles];
const WATCHING = [sseFanout, sseFanoutPeers, sseManyJobs, sseLatency];
const REPORTING = [notifyTax, mirrorCost];
const OPERATING = [operatorTruth, reconcilerCost];

export const BENCHES: readonly Bench[] = [...PUBLISHING, ...WATCHING, ...REPORTING, ...OPERATING];
