/** Formulas that people wrote, as far as they stay within their workbook. */

/** Functions that reach out of it, or run what is no formula. INDIRECT: LibreOffice loads the file that its text names. */
const REACHES_OUT =
  /\b(webservice|filterxml|encodeurl|import\w+|rtd|dde|dde\w*|call|register(\.id)?|exec|evaluate|hyperlink|image|indirect|cube\w+|sql\.request|stockhistory|copilot|py|user)\s*\(/i;

/** What no sheet's name has, but a path, an address or another program's. */
const NO_SHEET = /[[\]:\\/?*|]/;

/** What is wrong with it, or null. A leading `=` is left out before. */
export function formulaProblem(formula: string): string | null {
  if (formula.trim() === "") return "it is empty";
  const taken = takenApart(formula);
  if (taken === null) return "a quote in it is not closed";
  const { code, names } = taken;
  const [, name] = REACHES_OUT.exec(code) ?? [];
  if (name) return `${name.toUpperCase()} reaches out of the workbook`;
  if (/[[\]]/.test(code)) return "it names another workbook";
  if (code.includes("|")) return "it calls another program (DDE)";
  if (names.some((name) => NO_SHEET.test(name)))
    return "it names another workbook: no sheet's name has any of [ ] : \\ / ? * |";
  if (/[\n\t]/.test(code)) return "it has a line end or a tab";
  let depth = 0;
  for (const character of code) {
    if (character === "(") depth += 1;
    if (character === ")") depth -= 1;
    if (depth < 0) break;
  }
  return depth === 0 ? null : "its parentheses do not match";
}

/**
 * The formula with `""` for its texts, which may hold anything, and `S` for names of sheets in quotes, which are told beside; null where a
 * quote is not closed. In one pass, whatever it holds.
 */
function takenApart(formula: string): { code: string; names: string[] } | null {
  let code = "";
  const names: string[] = [];
  let at = 0;
  while (at < formula.length) {
    const quote = formula[at]!;
    if (quote !== '"' && quote !== "'") {
      code += quote;
      at += 1;
      continue;
    }
    const end = endOfQuoted(formula, at);
    if (end === -1) return null;
    const name = formula.slice(at + 1, end - 1);
    if (quote === '"') code += '""';
    // LibreOffice writes `'file'#Sheet.A1` for what is elsewhere.
    else if (formula[end] === "#") code += "[]";
    else code += formula[end] === "!" ? "S" : `'${name}'`;
    if (quote === "'") names.push(name);
    at = end;
  }
  return { code, names };
}

/** Place behind the quote that ends what the one at `from` begins; two together are one of the text. */
function endOfQuoted(formula: string, from: number): number {
  const quote = formula[from]!;
  for (let at = formula.indexOf(quote, from + 1); at !== -1; at = formula.indexOf(quote, at + 2))
    if (formula[at + 1] !== quote) return at + 1;
  return -1;
}

export const bareFormula = (formula: string): string => formula.replace(/^\s*=/, "").trim();
