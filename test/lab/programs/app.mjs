// The application of the lab for Node.js 18 and later, and for Express. What a request wants stands in its headers.

import { readFileSync } from 'node:fs';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { createRequire } from 'node:module';

const { PORT, EXPRESS, KEEP_ALIVE_MS, TLS_KEY, TLS_CERT, DRAINS } = process.env;
const say = (what, request) => process.stdout.write(`${what} ${request.headers['x-amzn-trace-id'] ?? '-'}\n`);

function handle(request, response) {
  say('start', request);
  const work = Number(request.headers['x-lab-work'] ?? 3 + 10 * Math.random());
  const wanted = request.headers['x-lab-do'];
  if (request.headers['x-lab-block']) {
    const until = performance.now() + Number(request.headers['x-lab-block']);
    while (performance.now() < until);
  }
  request.on('data', () => {});
  request.on('end', () =>
    setTimeout(() => {
      if (wanted === 'exit') process.exit(1);
      if (wanted === 'throw') throw new Error('unhandled');
      if (wanted === 'close') return request.socket.end();
      if (wanted === 'reset') return request.socket.resetAndDestroy();
      if (wanted === 'malformed') {
        request.socket.write(
          'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX Cache Key: 1\r\nContent-Length: 2\r\n\r\n{}',
        );
        return say('end', request);
      }
      if (wanted === 'big-headers')
        response.setHeader(
          'Set-Cookie',
          Array.from({ length: 12 }, (_, i) => `basket${i}=${'x'.repeat(3500)}`),
        );
      response.setHeader('Content-Type', 'application/json');
      response.statusCode = wanted === 'error' ? 500 : 200;
      response.end(JSON.stringify({ path: request.url, items: 'x'.repeat(200) }), () => say('end', request));
    }, work),
  );
}

let listener = handle;
if (EXPRESS) {
  const express = createRequire(`${EXPRESS}/`)('express');
  listener = express().use((request, response) => handle(request, response));
}
const server = TLS_KEY
  ? createHttps({ key: readFileSync(TLS_KEY), cert: readFileSync(TLS_CERT) }, listener)
  : createHttp(listener);
if (KEEP_ALIVE_MS) server.keepAliveTimeout = Number(KEEP_ALIVE_MS);
if (DRAINS)
  process.on('SIGTERM', () => {
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  });
server.listen(Number(PORT), '0.0.0.0');
