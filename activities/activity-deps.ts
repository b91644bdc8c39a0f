/** What every activity is given: the product's parts, as `create-worker.ts` puts them together. */
import type { Config } from "../src/config.ts";
import type { ProgressMirror } from "../src/jobs/progress-mirror.ts";
import type { ProtocolDeps } from "../src/jobs/protocol/attempt.ts";
import type { Retention } from "../src/maintenance/tasks.ts";
import type { PictureSettings } from "../src/tiles/cut/picture-settings.ts";

export interface ActivityDeps extends ProtocolDeps {
  config: Config;
  mirror: ProgressMirror;
  pictures: PictureSettings;
  /** How clients reach the gateway: what documents print. */
  publicUrl?: string;
  /** What maintenance goes by; `KEEP_ALL` by default. */
  retention?: Retention;
}
