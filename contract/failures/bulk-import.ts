/** Uploads, files behind URLs, and files of rows that cannot be used. */
import type { FailureDefinition } from "./definition.ts";

/** `url` is masked: without its credentials and its query. */
export const FILE_FAILURES = {
  upload_empty: {
    status: 400,
    retryable: false,
    title: "Upload is empty",
    sentence: "The upload {name} is empty.",
    action: "Send the file's bytes as the body, e.g. curl --data-binary @FILE.",
  },
  upload_not_found: {
    status: 404,
    retryable: false,
    title: "No such upload",
    sentence: "There is no upload {id}.",
    action: "POST /uploads again: uploads that nothing uses go after some days.",
  },
  url_refused: {
    status: 400,
    retryable: false,
    title: "URL is not fetched",
    sentence: "{url} is not fetched: {reason}.",
    action:
      "Use a public http(s) URL, or upload the file; PLATEN_FETCH_ALLOW names internal addresses that may be used.",
  },
  url_unreachable: {
    status: 502,
    retryable: false,
    title: "URL cannot be reached",
    sentence: "{url} cannot be reached: {reason}.",
    action: "Check the address and the server, then retry the job; it was tried {tries} times.",
  },
  url_answered: {
    status: 502,
    retryable: false,
    title: "URL does not answer with a file",
    sentence: "{url} answered {answer}.",
    action: "Check the address, and that it needs no login; then start again.",
  },
  url_redirects: {
    status: 502,
    retryable: false,
    title: "Too many redirects",
    sentence: "{url} redirects more than {limit} times{loop}.",
    action: "Use the address where the file is.",
  },
  url_too_large: {
    status: 413,
    retryable: false,
    title: "File is too large",
    sentence: "{url} has more than {limit} bytes ({told}).",
    action: "Split the file, or raise PLATEN_MAX_UPLOAD_BYTES.",
  },
  url_too_slow: {
    status: 504,
    retryable: false,
    title: "URL is too slow",
    sentence: "{url} sent {received} bytes and then too little for too long: {limit}.",
    action: "Upload the file instead, or raise PLATEN_FETCH_IDLE_SECONDS or PLATEN_FETCH_SECONDS.",
  },
  url_broke_off: {
    status: 502,
    retryable: false,
    title: "File broke off",
    sentence: "{url} ended after {received} of {announced} bytes.",
    action: "Retry the job; if it happens again, the server announces a wrong length.",
  },
  url_changed: {
    status: 409,
    retryable: false,
    title: "File changed while it was read",
    sentence: "{url} changed while it was read: {what}.",
    action: "Retry the job once the file is complete.",
  },
} as const satisfies Record<string, FailureDefinition>;

export const BULK_IMPORT_FAILURES = {
  import_source_invalid: {
    status: 400,
    retryable: false,
    title: "No file named",
    sentence: "The payload names {count} files.",
    action: "Name one: source.artifact (an upload's id), source.url or file_url.",
  },
  import_unreadable: {
    status: 400,
    retryable: false,
    title: "File cannot be read",
    sentence: "{name} cannot be read as {format}: {reason}.",
    action: "Mend the file, or say what it is: format, encoding, delimiter. Nothing was changed.",
  },
  import_header_invalid: {
    status: 400,
    retryable: false,
    title: "Header cannot be used",
    sentence: "The header of {name} cannot be used: {reason}.",
    action: "Mend the first line, or say in ref_column and columns what its columns are. Nothing was changed.",
  },
  import_empty: {
    status: 400,
    retryable: false,
    title: "File has no rows",
    sentence: "{name} has no rows.",
    action: "Send a file with a header and at least one row. Nothing was changed.",
  },
  import_archive_refused: {
    status: 400,
    retryable: false,
    title: "Workbook is not unpacked",
    sentence: "The workbook {name} is not unpacked: {reason}.",
    action: "Save it anew with a spreadsheet program, or as CSV. Nothing was changed.",
  },
  import_nothing_usable: {
    status: 400,
    retryable: false,
    title: "No row can be used",
    sentence: "None of the {rows} rows of {name} can be used; the first: {first}.",
    action: "Mend what the error file lists ({errors}), and import again. Nothing was changed.",
  },
} as const satisfies Record<string, FailureDefinition>;

/** Codes of single rows, in `errors` of the job and in its error file. */
export const ROW_PROBLEMS = {
  row_malformed: "The row cannot be read.",
  row_too_long: "The row has values beyond the header's last column.",
  ref_missing: "The row has no ref.",
  ref_invalid: "The ref is longer than 200 characters, or holds control characters.",
  ref_repeated: "An earlier row of the file has the same ref.",
  ref_unknown: "The draft has no overlay of this ref, and none was to be made.",
  ref_ambiguous: "The draft has several overlays of this ref.",
  value_invalid: "The value is not what its column takes.",
  value_not_storable: "The value holds what cannot be kept, such as a NUL character or half a surrogate pair.",
  geometry_needed: "A new overlay needs a geometry, and the row has none.",
} as const;

export type RowProblemCode = keyof typeof ROW_PROBLEMS;
