/** docs/keep-alive.md shows the measurements, and the runtimes that a diagnosis names agree with them. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keepAliveSettings, RUNTIMES, runtimesClosingAt } from '../../src/diagnose/patterns/runtimes.ts';
import { type KeepAliveMeasurement, keepAlivePage } from './keep-alive.ts';

const measurement = JSON.parse(
  readFileSync(join(import.meta.dirname, 'keep-alive.json'), 'utf8'),
) as KeepAliveMeasurement;

/** How a diagnosis calls each server that closes idle connections. */
const NAMES: Record<string, string> = {
  'node-18': 'Node.js 18',
  'node-20': 'Node.js 20 or later (keepAliveTimeout 5 s + 1 s buffer)',
  'node-22': 'Node.js 20 or later (keepAliveTimeout 5 s + 1 s buffer)',
  'node-24': 'Node.js 20 or later (keepAliveTimeout 5 s + 1 s buffer)',
  express: 'Node.js 20 or later (keepAliveTimeout 5 s + 1 s buffer)',
  'gunicorn-gthread': 'gunicorn with threads (--keep-alive 2)',
  'gunicorn-20.1-gthread': 'gunicorn with threads (--keep-alive 2)',
  uvicorn: 'uvicorn or hypercorn',
  hypercorn: 'uvicorn or hypercorn',
  waitress: 'waitress',
  puma: 'Puma before 7',
  nginx: 'nginx',
  apache: 'Apache httpd 2.4',
  tomcat: 'Tomcat standalone',
  'tomcat-embedded': 'Tomcat in Spring Boot',
  jetty: 'Jetty',
};
/** It never closes them, so no measurement names it, but its setting is known. */
const KEEPS_CONNECTIONS = 'Go net/http';
const closing = measurement.servers.filter(({ closes, requests }) => closes.length > 0 && requests?.count !== 1);

it('docs/keep-alive.md shows the measurements (--update=all rewrites it)', async () => {
  await expect(keepAlivePage(measurement)).toMatchFileSnapshot(join(import.meta.dirname, '../../docs/keep-alive.md'));
});

it('every server that closes idle connections has a name', () => {
  expect(closing.map(({ id }) => id).sort()).toEqual(Object.keys(NAMES).sort());
});

it('runtimes are marked measured if the lab has measured them', () => {
  const measured = RUNTIMES.filter(({ source }) => source === 'measured').map(({ name }) => name);
  expect([...measured].sort()).toEqual([...new Set([...Object.values(NAMES), KEEPS_CONNECTIONS])].sort());
});

it('Go keeps idle connections, as measured', () => {
  expect(measurement.servers.find(({ id }) => id === 'go')?.closes).toEqual([]);
  expect(RUNTIMES.find(({ name }) => name === KEEPS_CONNECTIONS)?.at).toBeNull();
});

it.each([
  [
    '5 s: Node.js 18, uvicorn, hypercorn, Apache',
    5,
    ['server.keepAlive', 'http.Server{', 'uvicorn', 'hypercorn', 'KeepAlive'],
  ],
  ['20 s: Tomcat, Puma', 20.2, ['http.Server{', '<Connector', 'persistent_timeout']],
  ['130 s: Kestrel', 130, ['http.Server{', 'options.Limits']],
  ['no default: the common ones', 44, ['server.keepAlive', 'http.Server{', 'gunicorn', 'keepalive_timeout']],
  ['no measurement: the common ones', null, ['server.keepAlive', 'http.Server{', 'gunicorn', 'keepalive_timeout']],
])('gives the settings of servers that close after %s', (_, measured, beginnings) => {
  const settings = keepAliveSettings(measured, 65);
  expect(settings).toEqual(beginnings.map((beginning) => expect.stringContaining(beginning)));
});

describe.each(closing)('$name $version', ({ id, closes }) => {
  // A client that reads a response late sees a shorter time, so the longest is nearest to the truth.
  it('is the name for the longest time', () => {
    const longest = Math.max(...closes.map(({ seconds }) => seconds));
    expect(runtimesClosingAt(longest)).toContain(NAMES[id]);
  });
});
