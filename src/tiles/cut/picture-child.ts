/**
 * Process entry: reads one request from its standard input, answers it, and ends.
 *
 * Its input stays open for as long as the process that asked lives, and is closed by the kernel when that dies, however it dies: then this one
 * removes what it was writing and kills itself. libvips cannot be interrupted, and works in threads of its own, so nothing gentler would end it.
 */
import { rmSync } from "node:fs";
import { kill, pid, stdin, stdout } from "node:process";
import { createInterface } from "node:readline";
import type { PictureRequest } from "./picture-messages.ts";
import { readPicture } from "./read-picture.ts";

let scratch: string | undefined;
let answered = false;

const lines = createInterface({ input: stdin });
lines.once("line", (line) => {
  const request = JSON.parse(line) as PictureRequest;
  scratch = request.scratch;
  void readPicture(request).then((answer) => {
    answered = true;
    stdout.write(`${JSON.stringify(answer)}\n`, () => kill(pid, "SIGKILL"));
  });
});
lines.once("close", () => {
  if (answered) return;
  try {
    // Threads that go on writing may fill a folder again before it is empty.
    if (scratch) rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
  } finally {
    kill(pid, "SIGKILL");
  }
});
