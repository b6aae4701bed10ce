/**
 * The route of a request: its method and path without the parts that make each request different.
 * Routes are computed here and in SQL with equal results, so they are defined as regular expressions that JavaScript,
 * RE2 (DuckDB) and Java (Trino) read the same way: no look-around, no dot, no \s, no word boundaries.
 */

/** Replaces every match. `to` may contain $1 and $2: \1 and \2 in RE2. */
interface Rewrite {
  readonly match: string;
  readonly to: string;
}

const LETTER = '[a-fA-F]';
const HEX = '[0-9a-fA-F]';
const UUID = `${HEX}{8}-${HEX}{4}-${HEX}{4}-${HEX}{4}-${HEX}{12}`;
/** At least `length` hexadecimal characters including a digit, distinguished by how many letters precede the first digit. */
const hexWithDigit = (length: number): string =>
  [
    `[0-9]${HEX}{${length - 1},}`,
    ...Array.from(
      { length: length - 2 },
      (_, before) => `${LETTER}{${before + 1}}[0-9]${HEX}{${length - 2 - before},}`,
    ),
    `${LETTER}{${length - 1},}[0-9]${HEX}*`,
  ].join('|');

/** Eight letters and digits with a digit before the last; bundlers write such hashes in base 64. */
const MIXED_HASH = [0, 1, 2, 3, 4, 5, 6]
  .map((letters) => `[A-Za-z]{${letters}}[0-9][A-Za-z0-9]{${7 - letters}}`)
  .join('|');
const BASE32_HASH = '[A-Z2-7]{8}';
/** A file named by its content or an id: "app.3f9a1c.js", "chunk-5WRI5ZAA.css", "main.3f9a1c0b.chunk.js", "<UUID>.png". */
const HASHED_FILE = `(?:(?:[^/]*[-._])?(?:${hexWithDigit(6)})|[^/]*[-.](?:${MIXED_HASH}|${BASE32_HASH}))(?:[.][A-Za-z][A-Za-z0-9]*){1,3}`;

/** Turns a request line into "METHOD /path", or "-" if it has no method or no usable path. */
const PATH_REWRITES: readonly Rewrite[] = [
  // The version, which may be missing or "-"; some lines end in a space.
  { match: '(?: (?:HTTP/[0-9.]+|-))? ?$', to: '' },
  // Scheme, host and port before the path; query and fragment after it. The path itself may contain spaces.
  { match: '^([^ ]+) (?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?([^?#]*)[\\s\\S]*$', to: '$1 $2' },
  { match: '^([^ ]+) $', to: '$1 /' },
  { match: '^(?:-? [\\s\\S]*|[^ ]* [^/][\\s\\S]*|[^ ]*)$', to: '-' },
];

/** A path segment that is a whole number, a UUID, a hexadecimal id or a hashed file name. */
const ID_SEGMENT = `(?:[0-9]+|${UUID}|${hexWithDigit(8)}|${HASHED_FILE})`;

/**
 * Replaces path segments that are whole numbers, UUIDs, hexadecimal ids or hashed file names by ":id". A match takes the slash on either
 * side of the segment, so slashes are doubled before and halved after; otherwise every second id of /1/2/3 would be
 * missed.
 */
const ID_REWRITES: readonly Rewrite[] = [
  { match: '/', to: '//' },
  { match: `/${ID_SEGMENT}(/|$)`, to: '/:id$1' },
  { match: '//', to: '/' },
];

/**
 * Removes parameters after a path segment, such as ";jsessionid=…". Uses \x3b because some SQL tools end a statement at
 * a semicolon.
 */
const PARAMETER_REWRITES: readonly Rewrite[] = [{ match: '(/[^/\\x3b]*)\\x3b[^/]*', to: '$1' }];

/** The rewrites of `route`, in order, before it truncates. */
export const ROUTE_REWRITES: readonly Rewrite[] = [...PATH_REWRITES, ...PARAMETER_REWRITES, ...ID_REWRITES];

/** Maximum Unicode code points (`left` in DuckDB, `substr` in Trino) of a route, after rewriting. */
export const ROUTE_LENGTH = 200;

const compile = (rewrites: readonly Rewrite[]) =>
  rewrites.map(({ match, to }) => ({ match: new RegExp(match, 'gu'), to }));
const toPath = compile(PATH_REWRITES);
const toRoute = compile([...PARAMETER_REWRITES, ...ID_REWRITES]);

/** Returns "METHOD /path" as the client sent it, of any length and without query; "-" if unknown. */
export function methodAndPath(request_line: string): string {
  return rewrite(request_line, toPath);
}

/**
 * Returns "METHOD /path" with ids as ":id" and without parameters, at most ROUTE_LENGTH code points; "-" if unknown.
 */
export function route(request_line: string): string {
  const text = rewrite(methodAndPath(request_line), toRoute);
  return text.length <= ROUTE_LENGTH ? text : [...text].slice(0, ROUTE_LENGTH).join('');
}

function rewrite(text: string, rewrites: readonly { match: RegExp; to: string }[]): string {
  return rewrites.reduce((result, { match, to }) => result.replace(match, to), text);
}
