/** Explains where a JSON file of an incident does not parse or has the wrong shape. Pure. */
import type * as z from 'zod';

interface JsonFault {
  /** Both start at 1; columns count UTF-16 units. */
  line: number;
  column: number;
  /** What is wrong at this place. */
  what: string;
}

const SPACE = /[ \t\n\r]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON strings hold no bare control characters
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

const matchEnd = (pattern: RegExp, text: string, at: number): number | null => {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : null;
};

/** Returns the first place where `text` is not valid JSON; null when it is valid. */
export function syntaxError(text: string): JsonFault | null {
  const closers: ('}' | ']')[] = [];
  let expected: 'value' | 'value or ]' | 'name' | 'name or }' | 'next' = 'value';
  let at = 0;
  const fault = (what: string): JsonFault => {
    const before = text.slice(0, at);
    const line = before.split('\n').length;
    const found = at >= text.length ? 'the end of the file' : `'${String.fromCodePoint(text.codePointAt(at) ?? 0)}'`;
    return { line, column: at - before.lastIndexOf('\n'), what: `expected ${what}, found ${found}` };
  };
  for (;;) {
    at = matchEnd(SPACE, text, at) ?? at;
    const char = text[at];
    const closer = closers.at(-1);
    if (expected === 'next') {
      if (closer === undefined) return at >= text.length ? null : fault('the end of the file');
      if (char === closer) closers.pop();
      else if (char === ',') expected = closer === '}' ? 'name' : 'value';
      else return fault(`',' or '${closer}'`);
      at += 1;
    } else if (expected === 'name' || expected === 'name or }') {
      if (char === '}' && expected === 'name or }') {
        closers.pop();
        expected = 'next';
        at += 1;
        continue;
      }
      const end = matchEnd(STRING, text, at);
      if (end === null) return fault(char === '"' ? 'a complete string' : 'a name in double quotes');
      at = matchEnd(SPACE, text, end) ?? end;
      if (text[at] !== ':') return fault("':'");
      at += 1;
      expected = 'value';
    } else if (char === '{' || char === '[') {
      closers.push(char === '{' ? '}' : ']');
      expected = char === '{' ? 'name or }' : 'value or ]';
      at += 1;
    } else if (char === ']' && expected === 'value or ]') {
      closers.pop();
      expected = 'next';
      at += 1;
    } else {
      const end = matchEnd(STRING, text, at) ?? matchEnd(SCALAR, text, at);
      if (end === null) return fault(char === '"' ? 'a complete string' : 'a value');
      at = end;
      expected = 'next';
    }
  }
}

/** AWS output has about ten levels. */
const MAX_DEPTH = 200;

/** Returns the place where JSON is nested too deeply for recursive code; null when there is none. */
export function tooDeep(text: string): JsonFault | null {
  let depth = 0;
  // Skip whole strings; `syntaxError` reports an unterminated one.
  for (const { 0: sign, index } of text.matchAll(/"(?:[^"\\]|\\[\s\S])*"|[{}[\]]/g)) {
    if (sign === '{' || sign === '[') depth += 1;
    else if (sign === '}' || sign === ']') depth -= 1;
    if (depth <= MAX_DEPTH) continue;
    const before = text.slice(0, index);
    return {
      line: before.split('\n').length,
      column: index - before.lastIndexOf('\n'),
      what: `nested deeper than ${MAX_DEPTH} levels`,
    };
  }
  return null;
}

/** Removes a byte order mark, which some Windows shells write. */
export const withoutByteOrderMark = (text: string): string => (text.startsWith('\uFEFF') ? text.slice(1) : text);

/** Drops null members at any depth, since the AWS CLI prints null for "not set". Keeps array elements. */
export function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== null)
      .map(([name, member]) => [name, withoutNulls(member)]),
  );
}

const jsonType = (value: unknown): string => {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) return 'a number that is too large';
  return typeof value;
};

const valueAt = (value: unknown, path: readonly PropertyKey[]): unknown =>
  path
    .filter((key) => key !== '')
    .reduce<unknown>(
      (inner, key) => (inner !== null && typeof inner === 'object' ? Reflect.get(inner, key) : undefined),
      value,
    );

/**
 * Formats a path as `TargetGroups[2].TargetGroupArn`; quotes names that are not plain words in brackets, and omits
 * empty ones.
 */
export const formatPath = (path: readonly PropertyKey[]): string =>
  path
    .filter((key) => key !== '')
    .map((key, position) => {
      if (typeof key === 'number') return `[${key}]`;
      const name = String(key);
      if (!/^[A-Za-z_$][\w$]*$/.test(name)) return `["${name}"]`;
      return position === 0 ? name : `.${name}`;
    })
    .join('');

const SHOWN_ISSUES = 3;

/**
 * Formats zod's issues as `path: expected string, got number`, joined: at most three, then the number of others.
 * `data`: the parsed input.
 */
export function shapeFault(issues: readonly z.core.$ZodIssue[], data: unknown): string {
  const texts = [...new Set(issues.map((issue) => issueText(issue, data)))];
  const more = texts.length - SHOWN_ISSUES;
  return texts.slice(0, SHOWN_ISSUES).join(', ') + (more > 0 ? `, and ${more} more` : '');
}

function issueText(issue: z.core.$ZodIssue, data: unknown): string {
  if (issue.code === 'invalid_union') {
    const deepest = issue.errors.flat().sort((a, b) => b.path.length - a.path.length)[0];
    if (deepest !== undefined && deepest.path.length > 0) {
      return issueText({ ...deepest, path: [...issue.path, ...deepest.path] }, data);
    }
  }
  if (issue.code === 'invalid_key' && issue.issues[0] !== undefined) {
    const place = formatPath(issue.path.slice(0, -1));
    return `${place === '' ? 'a key' : `a key of ${place}`}: ${issue.issues[0].message}`;
  }
  const place = formatPath(issue.path);
  const wanted = wantedType(issue);
  const what = wanted === null ? issue.message : `expected ${wanted}, got ${jsonType(valueAt(data, issue.path))}`;
  return place === '' ? what : `${place}: ${what}`;
}

function wantedType(issue: z.core.$ZodIssue): string | null {
  if (issue.code === 'invalid_type') return issue.expected === 'record' ? 'object' : issue.expected;
  if (issue.code === 'invalid_value') return issue.values.map((value) => JSON.stringify(value)).join(' or ');
  if (issue.code !== 'invalid_union') return null;
  const wanted = issue.errors.flat().map(wantedType);
  return wanted.includes(null) ? null : [...new Set(wanted)].join(' or ');
}
