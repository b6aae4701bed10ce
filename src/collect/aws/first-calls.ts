/** While calls are under way there is time to load what comes after them; before that, loading would hold them up. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';

/** Node tells it of every request of its http and https. */
const BEGUN = 'http.client.request.start';

export interface FirstCalls {
  /** Resolves once all requests have left that this process begins from now on and until one has left; or with `over`. */
  sent: Promise<void>;
  /** To be called when no more calls come. */
  over(): void;
}

export function firstCalls(): FirstCalls {
  const { promise: sent, resolve } = Promise.withResolvers<void>();
  let leaving = 0;
  const over = (): void => {
    unsubscribe(BEGUN, begun);
    resolve();
  };
  const begun = (message: unknown): void => {
    const { request } = message as { request: ClientRequest };
    leaving += 1;
    let isLeaving = true;
    const left = (): void => {
      if (isLeaving) leaving -= 1;
      isLeaving = false;
      if (leaving === 0) over();
    };
    // It leaves when it has a connection, and is closed where it gets none.
    request.once('finish', left).once('close', left);
  };
  subscribe(BEGUN, begun);
  return { sent, over };
}
