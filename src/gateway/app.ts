/** The gateway's Koa application, made of its parts; listens to nothing by itself. */
import Koa from "koa";
import { answerProblems, isClientGone } from "./middleware/problems.ts";
import { giveRequestId } from "./middleware/request-id.ts";
import type { GatewayDeps } from "./route.ts";
import { createRouter } from "./router.ts";
import { routes } from "./routes/index.ts";

export function createApp(deps: GatewayDeps): Koa {
  const app = new Koa();
  app.use(giveRequestId);
  app.use(answerProblems(deps.log));
  app.use(createRouter(deps, routes));
  // What fails after the headers have gone out, e.g. a store that breaks in the middle of a tile.
  app.on("error", (error: unknown) => {
    if (!isClientGone(error)) deps.log.error({ error }, "an answer could not be completed");
  });
  return app;
}
