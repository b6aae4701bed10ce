/** SQL statements whose values travel as execution parameters. Pure. */

/** `parameters` are SQL literals, in the order of the question marks. */
export interface Statement {
  sql: string;
  parameters: string[];
}

/** Collects parameters, and puts them into the order of the question marks once the text is complete. */
export class Parameters {
  readonly #literals: string[] = [];

  /** `literal` in SQL syntax. */
  add(literal: string): string {
    this.#literals.push(literal);
    return `⟦${this.#literals.length - 1}⟧`;
  }

  statement(text: string): Statement {
    const parameters: string[] = [];
    const sql = text.replace(/⟦([0-9]+)⟧/g, (_, index) => {
      parameters.push(this.#literals[Number(index)] ?? '');
      return '?';
    });
    return { sql: sql.replace(/\n\s*\n/g, '\n').trim(), parameters };
  }
}

/** Returns the statement with its parameters inlined, to read or rerun by hand. */
export function inlined({ sql, parameters }: Statement): string {
  const rest = [...parameters];
  return sql.replace(/'(?:[^']|'')*'|"[^"]*"|[?]/g, (token) => (token === '?' ? (rest.shift() ?? '?') : token));
}

/** The only way a value enters a query: as a non-negative whole number. */
export function whole(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not a whole number`);
  return String(value);
}
