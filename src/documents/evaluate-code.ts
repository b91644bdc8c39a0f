/** Runs code that people wrote, in QuickJS compiled to WebAssembly: it has no IO, no clock to wait for, no way out. */
import variant from "@jitl/quickjs-wasmfile-release-sync";
import {
  newQuickJSWASMModuleFromVariant,
  shouldInterruptAfterDeadline,
  type QuickJSHandle,
  type QuickJSSyncVariant,
} from "quickjs-emscripten-core";
import { CODE_LIMITS } from "../../contract/document-generation.ts";
import { shortened } from "../../contract/printable.ts";
import { AppError } from "../errors.ts";

/** Of QuickJS's own stack: with more, WebAssembly's would end first, which is no error that code could be told. */
const STACK_BYTES = 131_072;
/** The code is the body of a function, and begins on the line behind its head. */
const [HEAD, FOOT] = ["(function (input) {\n", "\n})"];
const FILE = "code.js";
/** Characters told of what the code threw. */
const MAX_THROWN = 200;
/** Characters of what code says that it failed with: it may be as long as its memory. */
const MAX_REASON = 1_000;

/** `input`: JSON. Answers the JSON of what the code returned. Errors: code_failed, code_limit. */
export async function evaluateCode({ code, input }: { code: string; input: string }): Promise<string> {
  const quickjs = await newQuickJSWASMModuleFromVariant(variant as unknown as QuickJSSyncVariant);
  const runtime = quickjs.newRuntime();
  runtime.setMemoryLimit(CODE_LIMITS.bytes);
  runtime.setMaxStackSize(STACK_BYTES);
  runtime.setInterruptHandler(shouldInterruptAfterDeadline(Date.now() + CODE_LIMITS.seconds * 1_000));
  // Nothing is disposed of: after an interrupt or out of memory that aborts, and the process ends anyway.
  const context = runtime.newContext();
  // Taken before the code runs, which may put others in their place.
  const [parse, stringify] = ["JSON.parse", "JSON.stringify"].map((name) =>
    context.unwrapResult(context.evalCode(name, FILE)),
  ) as [QuickJSHandle, QuickJSHandle];
  try {
    const made = context.evalCode(`${HEAD}${code}${FOOT}`, FILE, { strict: true });
    if (made.error) throw failure(context.dump(made.error));
    const argument = context.callFunction(parse, context.undefined, context.newString(input));
    const result = context.callFunction(made.value, context.undefined, context.unwrapResult(argument));
    if (result.error) throw failure(context.dump(result.error));
    const text = context.callFunction(stringify, context.undefined, result.value);
    if (text.error) throw failure(context.dump(text.error));
    if (context.typeof(text.value) !== "string") {
      throw failed(
        { line: 1, column: 1 },
        `it returned ${context.typeof(result.value)}, and should return a specification`,
      );
    }
    return context.getString(text.value);
  } catch (error) {
    if (error instanceof AppError) throw error;
    // WebAssembly's own stack, which a deep recursion reaches through natives.
    if (error instanceof RangeError) throw limit("it called itself too deeply");
    throw error;
  }
}

/** What QuickJS says of an error. */
interface Thrown {
  name?: unknown;
  message?: unknown;
  stack?: unknown;
}

function failure(thrown: unknown): AppError {
  const { name, message, stack } = (typeof thrown === "object" && thrown !== null ? thrown : {}) as Thrown;
  if (name === "InternalError") {
    if (message === "interrupted") return limit(`it ran for more than ${CODE_LIMITS.seconds} s`);
    if (message === "out of memory") return limit(`it took more than ${CODE_LIMITS.bytes} bytes of memory`);
    if (message === "stack overflow") return limit("it called itself too deeply");
  }
  const [, line = "2", column = "1"] = new RegExp(`${FILE}:(\\d+):(\\d+)`).exec(String(stack)) ?? [];
  const said = typeof message === "string" ? `${String(name)}: ${message}` : `it threw ${toldOf(thrown)}`;
  return failed({ line: Math.max(1, Number(line) - 1), column: Number(column) }, said);
}

/** Of anything that can be thrown. */
function toldOf(thrown: unknown): string {
  if (typeof thrown === "bigint") return `${thrown}n`;
  try {
    return shortened(JSON.stringify(thrown) ?? String(thrown), MAX_THROWN);
  } catch {
    // A circle, or a big integer in it.
    return "an object that JSON cannot hold";
  }
}

function failed(place: { line: number; column: number }, said: string): AppError {
  const reason = shortened(said, MAX_REASON);
  const problem = {
    code: "code_failed",
    path: "/payload/code",
    message: `Line ${place.line}, column ${place.column}: ${reason}`,
  };
  return new AppError("code_failed", { ...place, reason }, { problems: [problem] });
}

const limit = (reason: string): AppError => new AppError("code_limit", { reason, ...CODE_LIMITS });
