/**
 * A connection to a target whose packets are under way for a while: what is written leaves later, and data, FIN and RST are seen later.
 * The kernel of a lab delivers within microseconds; between a node and a target of another zone about a millisecond passes.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

/** How a connection ended: closed in order, reset, or closed by this side. */
export type Ending = 'fin' | 'rst' | 'own';

export interface WireListener {
  data(chunk: Buffer): void;
  ended(how: Ending): void;
}

export type ConnectFailure = 'refused' | 'unreachable' | 'timeout' | 'tls' | 'tls-timeout';

export interface WireOptions {
  host: string;
  port: number;
  localAddress: string;
  tls: boolean;
  /** One way, milliseconds. */
  delayMs: number;
  /** For TCP, and again for TLS. */
  connectTimeoutMs: number;
}

export class Wire {
  listener: WireListener | null = null;
  /** When the last response on it was complete; epoch milliseconds. */
  idleSince: number | null = null;
  private readonly socket: Socket;
  private readonly delayMs: number;
  private ending: Ending | null = null;

  constructor(socket: Socket, delayMs: number) {
    this.socket = socket;
    this.delayMs = delayMs;
    const later = (action: () => void) => setTimeout(action, delayMs);
    socket.on('data', (chunk: Buffer) => later(() => this.ending === null && this.listener?.data(chunk)));
    socket.on('end', () => later(() => this.end('fin')));
    // After its FIN, any socket error answers data that was sent too late: a reset.
    socket.on('error', () => later(() => this.end('rst')));
    socket.on('close', () => later(() => this.end('rst')));
  }

  get isOpen(): boolean {
    return this.ending === null;
  }

  write(chunk: Buffer | string): void {
    setTimeout(() => {
      if (!this.socket.destroyed && this.socket.writable) this.socket.write(chunk);
    }, this.delayMs);
  }

  /** Closed by this side. */
  close(): void {
    this.end('own');
  }

  private end(how: Ending): void {
    if (this.ending !== null) return;
    this.ending = how;
    setTimeout(() => this.socket.destroy(), this.delayMs);
    if (how !== 'own') this.listener?.ended(how);
  }
}

/** Calls back once, with an open connection or the reason why there is none. */
export function openWire(options: WireOptions, done: (result: Wire | ConnectFailure) => void): void {
  const { host, port, localAddress, tls, delayMs, connectTimeoutMs } = options;
  let socket: Socket | null = null;
  let isOver = false;
  const finish = (result: () => Wire | ConnectFailure) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    setTimeout(() => done(result()), delayMs);
  };
  const fail = (why: ConnectFailure) => {
    finish(() => why);
    socket?.destroy();
  };
  let timer = setTimeout(() => fail('timeout'), connectTimeoutMs);
  setTimeout(() => {
    if (isOver) return;
    socket = connectTcp({ host, port, localAddress, allowHalfOpen: true, noDelay: true });
    const onError = (error: NodeJS.ErrnoException) => fail(failureOf(error));
    socket.once('error', onError);
    socket.once('connect', () => {
      const plain = socket;
      if (plain === null) return;
      plain.removeListener('error', onError);
      if (!tls) return finish(() => new Wire(plain, delayMs));
      clearTimeout(timer);
      timer = setTimeout(() => fail('tls-timeout'), connectTimeoutMs);
      // The load balancer does not verify the certificates of targets.
      const secure = connectTls({ socket: plain, rejectUnauthorized: false });
      socket = secure;
      secure.once('error', () => fail('tls'));
      secure.once('end', () => fail('tls'));
      secure.once('secureConnect', () => finish(() => new Wire(secure, delayMs)));
    });
  }, delayMs);
}

function failureOf({ code }: NodeJS.ErrnoException): ConnectFailure {
  if (code === 'ETIMEDOUT') return 'timeout';
  return code === 'ECONNREFUSED' || code === 'ECONNRESET' ? 'refused' : 'unreachable';
}
