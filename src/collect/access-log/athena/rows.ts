/** The rows of an Athena answer. Pure. */

/** Text as Athena prints it; null for NULL. */
export type Rows = readonly (readonly (string | null)[])[];

export function toRecord<Column extends string>(
  columns: readonly Column[],
  cells: readonly (string | null)[],
): Record<Column, string> {
  return Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? ''])) as Record<Column, string>;
}
