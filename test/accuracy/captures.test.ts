/** The committed captures: small, without an address of anybody, and true to their logs. */
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { situations } from '../lab/situations/index.ts';
import { captureNames, captureRoot, truthOfCapture } from './captures.ts';

const MEGABYTE = 2 ** 20;
const filesOf = (pattern: string) => globSync(pattern, { cwd: captureRoot }).map((file) => join(captureRoot, file));
const linesOf = (name: string) =>
  filesOf(`${name}/logs/**/*.log.gz`).flatMap((file) => gunzipSync(readFileSync(file)).toString().trim().split('\n'));

/** https://www.rfc-editor.org/rfc/rfc5737 and private networks. */
const HARMLESS = ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '10.0.0.0/16', '0.0.0.0/32', '127.0.0.1/32'].map(
  (range) => ipaddr.IPv4.parseCIDR(range),
);
const isHarmless = (address: string) => HARMLESS.some((range) => ipaddr.IPv4.parse(address).match(range));

it('are at most 15 MB in all', () => {
  const sizes = filesOf('**/*.{json,gz}').map((file) => statSync(file).size);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(15 * MEGABYTE);
});

it('there is one of each situation of the lab', () => {
  expect(captureNames()).toEqual(situations.map(({ name }) => name).sort());
});

describe.each(captureNames())('%s', (name) => {
  it('belongs to a situation of the lab', () => {
    expect(situations.find((situation) => situation.name === name)?.what).toBe(truthOfCapture(name).what);
  });

  it('counts each success', () => {
    const { successes, totals, requests } = truthOfCapture(name);
    if (successes === undefined) return;
    const sum = (counts: Record<string, number>) => Object.values(counts).reduce((total, count) => total + count, 0);
    const expected = totals.requests - Object.keys(requests).length;
    expect([sum(successes.connection), sum(successes.application)]).toEqual([expected, expected]);
  });

  it('has only addresses of documentation and private ranges', () => {
    // User agents hold versions of four numbers.
    const lines = linesOf(name).map((line) => line.replace(/"[^"]*"/g, ''));
    const addresses = lines.flatMap((line) => line.match(/\b\d{1,3}(?:\.\d{1,3}){3}\b/g) ?? []);
    expect([...new Set(addresses)].filter((address) => !isHarmless(address))).toEqual([]);
  });

  it('has a cause for each failed request of its log, and for no others', () => {
    const failed = linesOf(name)
      .map((line) => line.split(' '))
      .filter((fields) => Number(fields[8]) >= 500 || fields[8] === '460')
      .map((fields) => fields.find((field) => field.startsWith('"Root='))?.replaceAll('"', ''));
    expect(Object.keys(truthOfCapture(name).requests).sort()).toEqual(failed.sort());
  });
});
