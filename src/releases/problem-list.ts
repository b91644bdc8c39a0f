/** The problems of a version, up to as many as help anyone. */
import { PROBLEMS, type ProblemCode } from "../../contract/failures.ts";
import type { Problem } from "../../contract/problem.ts";

/** How many problems are named; the last entry then says how many more there are. */
export const MAX_PROBLEMS = 1_000;

/** `path`: a JSON pointer into the draft. `more`: a sentence behind the one that the code stands for. */
export const problem = (code: ProblemCode, path: string, more = ""): Problem => ({
  code,
  path,
  message: `${PROBLEMS[code]}${more ? ` ${more}` : ""}`,
});

/** A segment of a JSON pointer (RFC 6901). */
export const segment = (text: string): string => text.replaceAll("~", "~0").replaceAll("/", "~1");

export class ProblemList {
  #problems: Problem[] = [];
  #more = 0;

  add(one: Problem): void {
    if (this.room > 0) this.#problems.push(one);
    else this.#more += 1;
  }

  /** Counts problems that nobody names. */
  addUnnamed(count: number): void {
    this.#more += count;
  }

  /** How many more will be named. */
  get room(): number {
    return MAX_PROBLEMS - this.#problems.length;
  }

  /** One more than can be named is known: looking for others changes nothing but a number. */
  get full(): boolean {
    return this.room === 0 && this.#more > 0;
  }

  list(): Problem[] {
    const last = this.#problems.at(-1);
    if (this.#more === 0 || !last) return this.#problems;
    const message = `There are at least ${this.#more} more problems.`;
    return [...this.#problems, { code: last.code, path: "/", message }];
  }
}
