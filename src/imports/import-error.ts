/** What ends an import of a file as a whole. */
import { AppError } from "../errors.ts";

/** The file as people see it, for sentences. */
export interface NamedFile {
  name: string;
  format: string;
}

export const unreadable = ({ name, format }: NamedFile, reason: string, cause?: unknown): AppError =>
  new AppError("import_unreadable", { name, format, reason }, cause === undefined ? {} : { cause });

export const headerInvalid = (name: string, reason: string): AppError =>
  new AppError("import_header_invalid", { name, reason });
