/**
 * The commands of Logs Insights QL that are used, over the messages of a local log group. Throws for others.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
 */
import type { LogEvent } from './server.ts';

type Row = Record<string, string>;

export function runQuery(query: string, events: readonly LogEvent[]): { found: Row[]; matched: number } {
  let rows: Row[] = events
    .toSorted((a, b) => a.timestamp - b.timestamp)
    .map(({ timestamp, message }) => ({ '@timestamp': String(timestamp), '@message': message }));
  let matched: number | null = null;
  for (const command of query.split(' | ')) {
    const counting = /^stats (.+) by (.+)$/.exec(command);
    if (counting !== null) {
      matched = rows.length;
      rows = counted(rows, counting[1] ?? '', (counting[2] ?? '').split(', '));
    } else rows = rows.flatMap((row) => run(command, row));
  }
  return { found: rows, matched: matched ?? rows.length };
}

/** Nothing for a row that a filter leaves out. */
function run(command: string, row: Row): Row[] {
  if (command === 'fields @message' || command === 'sort @timestamp asc') return [row];
  const [, parsed, pattern] = /^parse (\S+) \/(.+)\/$/.exec(command) ?? [];
  if (parsed !== undefined && pattern !== undefined)
    return [{ ...row, ...new RegExp(pattern).exec(row[parsed] ?? '')?.groups }];
  const [, field = '', operator, text, expression] =
    /^filter (\S+) (like|=) (?:"([^"]*)"|\/(.+)\/)$/.exec(command) ?? [];
  if (operator === undefined) throw new Error(`not understood: ${command}`);
  const value = row[field] ?? '';
  const isFound =
    expression !== undefined
      ? new RegExp(expression).test(value)
      : operator === '='
        ? value === text
        : value.includes(text ?? '');
  return isFound ? [row] : [];
}

/** Only count(*), min and max, of text. */
function counted(rows: readonly Row[], aggregates: string, keys: readonly string[]): Row[] {
  const groups = Map.groupBy(rows, (row) => JSON.stringify(keys.map((key) => row[key] ?? null)));
  return [...groups.values()].map((group) => {
    const named = keys.flatMap((key) => (group[0]?.[key] === undefined ? [] : [[key, group[0][key]] as const]));
    const found = aggregates.split(', ').map((aggregate) => {
      const [, what, field = '', name = ''] = /^(count|min|max)\((.+)\) as (\w+)$/.exec(aggregate) ?? [];
      const values = group.flatMap((row) => row[field] ?? []).sort();
      if (what === undefined) throw new Error(`not understood: ${aggregate}`);
      return [
        name,
        what === 'count' ? String(group.length) : ((what === 'min' ? values[0] : values.at(-1)) ?? ''),
      ] as const;
    });
    return Object.fromEntries([...named, ...found]);
  });
}
