/** Time limits and the number of connections to our port, which anyone who reaches it can open. */
import { Server, type ServerOptions } from 'node:http';

/** Milliseconds, except `connections`. */
export interface ConnectionLimits {
  /**
   * From the first byte to the last byte of the header, and of the whole request. Slack and SNS send theirs at once.
   */
  header: number;
  request: number;
  /** Longest time without a byte, before or within a request. */
  silence: number;
  /**
   * Longest time between two requests. Load balancers and proxies must close idle connections first, or they reuse one
   * that the bot is closing.
   */
  idle: number;
  connections: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  header: 10_000,
  request: 20_000,
  silence: 15_000,
  idle: 125_000,
  connections: 500,
};

/** Options for a new server. Slow requests are checked every second, not every 30 s. */
export const serverOptions = ({ header, request, idle }: ConnectionLimits): ServerOptions => ({
  headersTimeout: header,
  requestTimeout: request,
  keepAliveTimeout: idle,
  connectionsCheckingInterval: Math.min(1_000, request / 4),
});

/** Sets the limits that need an existing server; ignores anything that is not an HTTP server. */
export function limitConnections(server: unknown, limits: ConnectionLimits = CONNECTION_LIMITS): void {
  if (!(server instanceof Server)) return;
  server.headersTimeout = limits.header;
  server.requestTimeout = limits.request;
  server.keepAliveTimeout = limits.idle;
  server.timeout = limits.silence;
  server.maxConnections = limits.connections;
}
