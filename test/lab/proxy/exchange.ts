/**
 * Handles one request, without retries: connects or reuses a connection, sends, waits, passes the response on, and returns its log entry.
 * The entry follows https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html;
 * docs/assumptions.md lists what that page leaves open.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Pool } from './pool.ts';
import { type ResponseFault, ResponseReader } from './response-reader.ts';
import type { Ending } from './wire.ts';
import { type ConnectFailure, openWire, Wire, type WireOptions } from './wire.ts';

/** What the proxy observed of one request; times are epoch milliseconds. */
export interface Observation {
  created: number;
  /** The request was written to the target's connection. */
  sent: number | null;
  /** The complete head of a valid response had arrived. */
  answered: number | null;
  /** The response was generated, or the connection to the client ended. */
  over: number;
  elbStatus: number;
  targetStatus: number | null;
  /** The client gave up, the target failed in one of these ways, or nothing went wrong. */
  failure: ConnectFailure | ResponseFault | Ending | 'idle-timeout' | 'drained' | 'client-closed' | 'no-target' | null;
  /** How long the connection had been idle before; null for a new one. */
  idleSeconds: number | null;
}

export interface ExchangeOptions extends Omit<WireOptions, 'connectTimeoutMs'> {
  idleTimeoutMs: number;
  pool: Pool;
  traceId: string;
  /** Calls `cut` when the deregistration delay is over; returns how to stop that. */
  onDrained: (cut: () => void) => () => void;
}

/** https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-troubleshooting.html: 10 seconds. */
const CONNECT_TIMEOUT_MS = 10_000;
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'upgrade',
  'expect',
  'x-amzn-trace-id',
]);

export const now = (): number => performance.timeOrigin + performance.now();

export function exchange(
  request: IncomingMessage,
  response: ServerResponse,
  options: ExchangeOptions,
  done: (seen: Observation) => void,
): void {
  new Exchange(request, response, options, done).begin();
}

class Exchange {
  private readonly request: IncomingMessage;
  private readonly response: ServerResponse;
  private readonly options: ExchangeOptions;
  private readonly done: (seen: Observation) => void;
  private readonly reader: ResponseReader;
  private readonly stopDraining: () => void;
  private readonly seen: Observation;
  private wire: Wire | null = null;
  private idleTimer: NodeJS.Timeout | undefined;
  private isOver = false;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    options: ExchangeOptions,
    done: (seen: Observation) => void,
  ) {
    this.request = request;
    this.response = response;
    this.options = options;
    this.done = done;
    this.reader = new ResponseReader(request.method ?? 'GET');
    this.stopDraining = options.onDrained(() => this.fail(502, 'drained'));
    this.seen = {
      created: now(),
      sent: null,
      answered: null,
      over: 0,
      elbStatus: 0,
      targetStatus: null,
      failure: null,
      idleSeconds: null,
    };
  }

  begin(): void {
    this.request.pause();
    this.response.on('close', () => {
      if (!this.response.writableFinished) this.clientLeft();
    });
    const idle = this.options.pool.take();
    if (idle !== null) {
      this.seen.idleSeconds = (now() - (idle.idleSince ?? now())) / 1000;
      this.send(idle);
      return;
    }
    openWire({ ...this.options, connectTimeoutMs: CONNECT_TIMEOUT_MS }, (result) => {
      if (result instanceof Wire) {
        if (this.isOver) result.close();
        else this.send(result);
      } else this.fail(result === 'timeout' || result === 'tls-timeout' ? 504 : 502, result);
    });
  }

  private send(wire: Wire): void {
    this.wire = wire;
    wire.listener = { data: (chunk) => this.received(chunk), ended: (how) => this.closed(how) };
    wire.write(this.requestHead());
    this.seen.sent = now();
    this.restartIdleTimer();
    const isChunked = this.request.headers['transfer-encoding'] !== undefined;
    this.request.on('data', (chunk: Buffer) => {
      wire.write(isChunked ? Buffer.concat([Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, CRLF]) : chunk);
      this.restartIdleTimer();
    });
    this.request.on('end', () => isChunked && wire.write('0\r\n\r\n'));
    this.request.resume();
  }

  private requestHead(): string {
    const { method, url, rawHeaders } = this.request;
    const lines = [`${method} ${url} HTTP/1.1`];
    for (let i = 0; i + 1 < rawHeaders.length; i += 2)
      if (!HOP_BY_HOP.has((rawHeaders[i] ?? '').toLowerCase())) lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
    lines.push(
      `X-Forwarded-For: ${this.request.socket.remoteAddress}`,
      'X-Forwarded-Proto: http',
      'X-Forwarded-Port: 80',
    );
    lines.push(`X-Amzn-Trace-Id: ${this.options.traceId}`);
    return `${lines.join('\r\n')}\r\n\r\n`;
  }

  /** It runs from the last byte in either direction until the response begins. */
  private restartIdleTimer(): void {
    clearTimeout(this.idleTimer);
    this.idleTimer = setTimeout(() => this.fail(504, 'idle-timeout'), this.options.idleTimeoutMs);
  }

  private received(chunk: Buffer): void {
    if (this.isOver) return;
    const hadHead = this.reader.head !== null;
    const body = this.reader.push(chunk);
    if (this.reader.fault !== null) {
      this.fail(502, this.reader.fault);
      return;
    }
    this.restartIdleTimer();
    const { head } = this.reader;
    if (head === null) return;
    if (!hadHead) {
      this.seen.answered = now();
      this.seen.targetStatus = head.status;
      this.seen.elbStatus = head.status;
      const headers = head.headers.filter(
        ([name]) => !HOP_BY_HOP.has(name.toLowerCase()) && name.toLowerCase() !== 'transfer-encoding',
      );
      this.response.writeHead(head.status, headers.flat());
    }
    if (body.length > 0) this.response.write(body);
    if (this.reader.isComplete) this.finish();
  }

  private closed(how: Ending): void {
    if (this.isOver) return;
    if (this.reader.finish()) this.finish();
    // The client has the head already: it gets what came, and the entry keeps the target's status.
    else if (this.seen.answered !== null) this.finish();
    else this.fail(502, how);
  }

  private finish(): void {
    const { head } = this.reader;
    const isKept = this.reader.isComplete && head?.isReusable === true && this.request.complete;
    this.settle();
    this.response.end();
    if (this.wire !== null) {
      if (isKept) this.options.pool.give(this.wire);
      else this.wire.close();
    }
    this.report();
  }

  private fail(status: number, failure: Observation['failure']): void {
    if (this.isOver) return;
    this.settle();
    this.wire?.close();
    this.seen.failure = failure;
    if (this.seen.answered === null) {
      this.seen.elbStatus = status;
      respondWith(this.response, status);
    } else this.response.destroy();
    this.report();
  }

  private clientLeft(): void {
    if (this.isOver) return;
    this.settle();
    this.wire?.close();
    this.seen.failure = 'client-closed';
    if (this.seen.answered === null) this.seen.elbStatus = 460;
    this.report();
  }

  private settle(): void {
    this.isOver = true;
    clearTimeout(this.idleTimer);
    this.stopDraining();
  }

  private report(): void {
    this.seen.over = this.seen.answered ?? now();
    // The rest of the client's bytes must not stay in its connection.
    this.request.resume();
    if (this.response.writableFinished || this.response.destroyed) this.done(this.seen);
    else this.response.once('close', () => this.done(this.seen));
  }
}

const CRLF = Buffer.from('\r\n');

const REASONS: Record<number, string> = {
  400: 'Bad Request',
  502: 'Bad Gateway',
  503: 'Service Temporarily Unavailable',
  504: 'Gateway Time-out',
};

/** The load balancer's own page. */
export function respondWith(response: ServerResponse, status: number): void {
  const reason = `${status} ${REASONS[status] ?? ''}`;
  const body = `<html>\r\n<head><title>${reason}</title></head>\r\n<body>\r\n<center><h1>${reason}</h1></center>\r\n</body>\r\n</html>\r\n`;
  response.writeHead(status, REASONS[status] ?? '', {
    Server: 'awselb/2.0',
    'Content-Type': 'text/html',
    'Content-Length': String(Buffer.byteLength(body)),
  });
  response.end(body);
}
