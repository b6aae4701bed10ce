/**
 * Detects web pages in place of AWS answers: a captive portal, a proxy error, an endpoint that is not AWS. The SDK
 * parses a well-formed page as an XML answer without content, which would read as "nothing there".
 */
import { readHttpAnswer, WebPageError } from './aws-errors.ts';

type Handler = (args: never) => Promise<{ response: unknown }>;

/** A middleware that rejects with WebPageError. Leaves server errors to the SDK, which retries them. */
export const rejectWebPages =
  (next: Handler): Handler =>
  async (args) => {
    const result = await next(args);
    const answer = readHttpAnswer(result.response);
    if (answer?.isPage && answer.status < 500) throw new WebPageError(answer);
    return result;
  };
