/** Plans (SVG) that cannot be read, and elements of one that are left out. */
import type { FailureDefinition } from "./definition.ts";

export const SVG_FAILURES = {
  svg_source_missing: {
    status: 404,
    retryable: false,
    title: "No such plan",
    sentence: "There is no uploaded file {artifact}, or it has expired.",
    action: "Upload the plan, and start the import with the id that the upload answers.",
  },
  svg_source_damaged: {
    status: 409,
    retryable: false,
    title: "The plan is not what was uploaded",
    sentence: "The stored file {artifact} is not what was uploaded: {reason}.",
    action: "Upload the plan again; the draft is unchanged.",
  },
  svg_too_large: {
    status: 413,
    retryable: false,
    title: "Plan too large",
    sentence: "The plan has {size} bytes; at most {limit} are read.",
    action: "Export it without pictures and without invisible objects, or in several parts.",
  },
  svg_too_complex: {
    status: 422,
    retryable: false,
    title: "Plan too complex",
    sentence: "The plan is not read to its end: {reason}{at}.",
    action: "Simplify it there, or import it in several parts; the draft is unchanged.",
  },
  svg_invalid: {
    status: 422,
    retryable: false,
    title: "Plan cannot be read",
    sentence: "The plan cannot be read as SVG: {reason}{at}.",
    action: "Export it as plain SVG, and import that; the draft is unchanged.",
  },
} as const satisfies Record<string, FailureDefinition>;

/** Codes in the list of what a plan's import has left out. */
export const SVG_PROBLEMS = {
  svg_element_unsupported: "An element of the plan is no shape.",
  svg_reference_external: "A reference leads out of the plan and is not followed.",
  svg_reference_unknown: "A reference leads to nothing in the plan.",
  svg_reference_circular: "An element uses itself.",
  svg_script_ignored: "A script is not run.",
  svg_transform_invalid: "A transform cannot be read.",
  svg_number_invalid: "An attribute's number cannot be read.",
  svg_number_out_of_range: "A shape lies out of all range.",
  svg_path_invalid: "The data of a path cannot be read.",
  svg_shape_empty: "A shape has no area and no length.",
  svg_layers_too_many: "The plan has too many layers.",
} as const;
