/**
 * Tracks the first calls, so that later modules load while calls are in flight; loading them earlier would delay the
 * calls.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';

/** The channel on which Node announces every http and https request. */
const REQUEST_START = 'http.client.request.start';

interface FirstCalls {
  /**
   * Resolves once at least one request has left and every request started from now until then has left; or with `stop`.
   */
  sent: Promise<void>;
  /** Call when no more requests will start. */
  stop(): void;
}

export function firstCalls(): FirstCalls {
  const { promise: sent, resolve } = Promise.withResolvers<void>();
  let unsent = 0;
  const stop = (): void => {
    unsubscribe(REQUEST_START, onRequestStart);
    resolve();
  };
  const onRequestStart = (message: unknown): void => {
    const { request } = message as { request: ClientRequest };
    unsent += 1;
    let isUnsent = true;
    const onSent = (): void => {
      if (isUnsent) unsent -= 1;
      isUnsent = false;
      if (unsent === 0) stop();
    };
    // A request leaves once it has a connection, and closes if it gets none.
    request.once('finish', onSent).once('close', onSent);
  };
  subscribe(REQUEST_START, onRequestStart);
  return { sent, stop };
}
