/** What Temporal answers, or does not, while histories are read: as an exit code and a sentence. */
import { isGrpcServiceError } from "@temporalio/client";
import { reasonOf } from "../../errors.ts";
import { CliError } from "../cli-error.ts";
import { EXIT } from "../exit-codes.ts";
import type { TemporalAddress } from "./find-temporal.ts";

/** Other errors come back as they are. `advice`: what to do when Temporal went away. */
export function temporalError(error: unknown, { address, namespace }: TemporalAddress, advice: string): unknown {
  const chain = [error, (error as { cause?: unknown } | null)?.cause];
  if (error instanceof CliError || !chain.some((each) => isGrpcServiceError(each) || isClientError(each))) return error;
  if (chain.some((each) => /^Namespace .*not found/.test(detailsOf(each))))
    return new CliError(EXIT.refused, "namespace_not_found", `Temporal at ${address} has no namespace ${namespace}.`, {
      lines: ["Check --namespace and PLATEN_TEMPORAL_NAMESPACE."],
      cause: error,
    });
  return new CliError(
    EXIT.unreachable,
    "temporal_unreachable",
    `Temporal at ${address} cannot be read: ${reasonOf(error)}.`,
    { lines: [advice], cause: error },
  );
}

const isClientError = (error: unknown): boolean =>
  ["ServiceError", "NamespaceNotFoundError"].includes((error as Error | null)?.name ?? "");

const detailsOf = (error: unknown): string => {
  const { name, details, message } = (error ?? {}) as { name?: string; details?: string; message?: string };
  return name === "NamespaceNotFoundError" ? "Namespace not found" : (details ?? message ?? "");
};
