/**
 * The route of a request: what the load balancer was asked for, without what makes each request different.
 *
 * Routes are worked out here and in SQL, and must come out the same, so they are defined as regular expressions that read the same in
 * JavaScript, in RE2 (DuckDB) and in Java (Trino): no look-around, no dot, no \s, no word boundaries.
 */

/** One replacement of every match. `to` may hold $1 and $2: \1 and \2 in RE2. */
export interface Rewrite {
  readonly match: string;
  readonly to: string;
}

const LETTER = '[a-fA-F]';
const HEX = '[0-9a-fA-F]';
const UUID = `${HEX}{8}-${HEX}{4}-${HEX}{4}-${HEX}{4}-${HEX}{12}`;
/** At least eight hexadecimal characters with a digit among them, told apart by how many letters come before the first digit. */
const HEX_ID = [
  `[0-9]${HEX}{7,}`,
  ...[1, 2, 3, 4, 5, 6].map((letters) => `${LETTER}{${letters}}[0-9]${HEX}{${7 - letters},}`),
  `${LETTER}{7,}[0-9]${HEX}*`,
].join('|');

/** A request line to "METHOD /path", or to "-" when it has no method or no path to speak of. */
const PATH_REWRITES: readonly Rewrite[] = [
  // The version, which may be missing or "-"; some lines have a space behind it.
  { match: '(?: (?:HTTP/[0-9.]+|-))? ?$', to: '' },
  // Scheme, host and port before the path; query and fragment behind it. The path itself may hold spaces.
  { match: '^([^ ]+) (?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?([^?#]*)[\\s\\S]*$', to: '$1 $2' },
  { match: '^([^ ]+) $', to: '$1 /' },
  { match: '^(?:-? [\\s\\S]*|[^ ]* [^/][\\s\\S]*|[^ ]*)$', to: '-' },
];

/** A path segment that is a whole number, a UUID or a hexadecimal id. */
const ID_SEGMENT = `(?:[0-9]+|${UUID}|${HEX_ID})`;

/**
 * Path segments that are whole numbers, UUIDs or hexadecimal ids to ":id". A match takes the slash on either side of the segment, so
 * slashes are doubled before and halved after: otherwise every second id of /1/2/3 would be missed.
 */
const ID_REWRITES: readonly Rewrite[] = [
  { match: '/', to: '//' },
  { match: `/${ID_SEGMENT}(/|$)`, to: '/:id$1' },
  { match: '//', to: '/' },
];

/** Parameters behind a path segment, such as ";jsessionid=…", to nothing. As \x3b, because some SQL tools end a statement at a semicolon. */
const PARAMETER_REWRITES: readonly Rewrite[] = [{ match: '(/[^/\\x3b]*)\\x3b[^/]*', to: '$1' }];

/** What `route` does, in order, before it cuts. */
export const ROUTE_REWRITES: readonly Rewrite[] = [...PATH_REWRITES, ...PARAMETER_REWRITES, ...ID_REWRITES];

/** Unicode code points (`left` in DuckDB, `substr` in Trino) that are kept of a route, after the rewriting. */
export const ROUTE_LENGTH = 200;

const compile = (rewrites: readonly Rewrite[]) =>
  rewrites.map(({ match, to }) => ({ match: new RegExp(match, 'gu'), to }));
const toPath = compile(PATH_REWRITES);
const toRoute = compile([...PARAMETER_REWRITES, ...ID_REWRITES]);

/** "METHOD /path" as the client sent it, of any length and without query; "-" when it cannot be told. */
export function methodAndPath(request_line: string): string {
  return rewrite(request_line, toPath);
}

/** "METHOD /path" with ids as ":id" and without parameters, at most ROUTE_LENGTH code points; "-" when it cannot be told. */
export function route(request_line: string): string {
  const text = rewrite(methodAndPath(request_line), toRoute);
  return text.length <= ROUTE_LENGTH ? text : [...text].slice(0, ROUTE_LENGTH).join('');
}

function rewrite(text: string, rewrites: readonly { match: RegExp; to: string }[]): string {
  return rewrites.reduce((result, { match, to }) => result.replace(match, to), text);
}
