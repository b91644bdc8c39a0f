/** Whether a test of the present file has failed. A file of its own: rooms are used by benches too, where no test runs. */
let failed = false;

export function noteFailure(): void {
  failed = true;
}

export function hasFailed(): boolean {
  return failed;
}
