import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { shapeFault, syntaxError, withoutNulls } from '../../src/format/parse-json.ts';
import { fc } from '../support/property.ts';

describe('the place where JSON becomes invalid', () => {
  it.each([
    ['', 1, 1, 'expected a value, found the end of the file'],
    ['{\n  "a": 1,\n  "b": x\n}', 3, 8, "expected a value, found 'x'"],
    ['{"a": 1 "b": 2}', 1, 9, "expected ',' or '}', found '\"'"],
    ['{"a": 1,}', 1, 9, "expected a name in double quotes, found '}'"],
    ['[1, 2', 1, 6, "expected ',' or ']', found the end of the file"],
    ['[1, ]', 1, 5, "expected a value, found ']'"],
    ['{"a" 1}', 1, 6, "expected ':', found '1'"],
    ['{"a": "b', 1, 7, "expected a complete string, found '\"'"],
    ["{'a': 1}", 1, 2, "expected a name in double quotes, found '''"],
    ['{}\n{}', 2, 1, "expected the end of the file, found '{'"],
    ['[1]\n\n]', 3, 1, "expected the end of the file, found ']'"],
    ['01', 1, 2, "expected the end of the file, found '1'"],
  ])('%j', (text, line, column, what) => {
    expect(syntaxError(text)).toEqual({ line, column, what });
  });

  it('accepts the same JSON as JSON.parse', () => {
    const parses = (text: string) => {
      try {
        JSON.parse(text);
        return true;
      } catch {
        return false;
      }
    };
    const json = fc.json();
    const damaged = fc
      .tuple(json, fc.nat(), fc.constantFrom('', '"', ',', '}', ']', '{', ':', 'x', '\\', ' ', '\u0000'), fc.nat(2))
      .map(([text, at, put, cut]) => {
        const place = at % (text.length + 1);
        return text.slice(0, place) + put + text.slice(place + cut);
      });
    fc.assert(fc.property(fc.oneof(json, damaged), (text) => (syntaxError(text) === null) === parses(text)));
  });
});

describe('the place where JSON has the wrong shape', () => {
  const shape = z.looseObject({
    Groups: z.array(z.looseObject({ Arn: z.string(), Kind: z.enum(['instance', 'ip']).optional() })),
    Time: z.union([z.string(), z.number()]).optional(),
    ByArn: z.record(z.string(), z.string()).optional(),
  });
  it.each([
    [{ Groups: [{ Arn: 1 }] }, 'Groups[0].Arn: expected string, got number'],
    [{ Groups: [{}] }, 'Groups[0].Arn: expected string, got nothing'],
    [{ Groups: [{ Arn: null }] }, 'Groups[0].Arn: expected string, got null'],
    [{ Groups: {} }, 'Groups: expected array, got object'],
    [[], 'expected object, got array'],
    [{ Groups: [{ Arn: '', Kind: 'box' }] }, 'Groups[0].Kind: expected "instance" or "ip", got string'],
    [{ Groups: [], Time: {} }, 'Time: expected string or number, got object'],
    [{ Groups: [], ByArn: { 'arn:aws:x': [] } }, 'ByArn["arn:aws:x"]: expected string, got array'],
    [
      { Groups: [{ Arn: 1 }, { Arn: 2 }, { Arn: 3 }, { Arn: 4 }, { Arn: 5 }] },
      'Groups[0].Arn: expected string, got number, Groups[1].Arn: expected string, got number, Groups[2].Arn: expected string, got number, and 2 more',
    ],
  ])('%j', (data, fault) => {
    const checked = shape.safeParse(withoutNulls(data));
    expect(checked.success ? '' : shapeFault(checked.error.issues, data)).toBe(fault);
  });
});
