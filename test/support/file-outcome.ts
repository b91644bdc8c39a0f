/** Set-up file of vitest: knows whether a test of the present file has failed, so that its database can be kept. */
import { afterEach } from "vitest";

let failed = false;

afterEach(({ task }) => {
  failed ||= task.result?.state === "fail";
});

export function hasFailed(): boolean {
  return failed;
}
