/** While calls are under way there is time to load what comes after them; before that, loading would hold them up. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';

/** Node tells it of every request of its http and https. */
const REQUEST_START = 'http.client.request.start';

export interface FirstCalls {
  /** Resolves once all requests have left that this process begins from now on and until one has left; or with `over`. */
  sent: Promise<void>;
  /** To be called when no more calls come. */
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
    // It leaves when it has a connection, and is closed where it gets none.
    request.once('finish', onSent).once('close', onSent);
  };
  subscribe(REQUEST_START, onRequestStart);
  return { sent, stop };
}
