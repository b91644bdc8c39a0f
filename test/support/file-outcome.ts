/** Set-up file of vitest: notes whether a test of the present file has failed, so that its database can be kept. */
import { afterEach } from "vitest";
import { noteFailure } from "./failed-file.ts";

afterEach(({ task }) => {
  if (task.result?.state === "fail") noteFailure();
});
