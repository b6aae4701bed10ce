/** Reports when a service asks to slow down; the SDK silently waits and retries. */

/** Common to every client class of the SDK. */
interface WatchedClient {
  middlewareStack: {
    add(
      middleware: (next: Handler) => Handler,
      options: { step: 'deserialize'; priority: 'low'; name: string; override: true },
    ): void;
  };
}

type Handler = (args: never) => Promise<{ response: unknown }>;

/** Status of SlowDown: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html#ErrorCodeList */
const SLOW_DOWN = 503;

/** Calls `onThrottled` for each SlowDown answer of S3, including those that are retried. */
export function watchThrottling(client: WatchedClient, onThrottled: () => void): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      if (statusOfResponse(result.response) === SLOW_DOWN) onThrottled();
      return result;
    },
    // The lowest priority of its step sees an answer before it becomes an error.
    { step: 'deserialize', priority: 'low', name: 'watchThrottling', override: true },
  );
}

const statusOfResponse = (response: unknown): number | null =>
  response !== null && typeof response === 'object' && 'statusCode' in response ? Number(response.statusCode) : null;
