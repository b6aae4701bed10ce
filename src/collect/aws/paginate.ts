/**
 * Web pages in place of answers: the login of a network, a proxy's error, an endpoint that is none of AWS. The SDK takes a well-formed page
 * for an answer in XML without content, and "nothing there" is the worst that could be made of it.
 */
import { readHttpAnswer, WebPageError } from './aws-errors.ts';

type Handler = (args: never) => Promise<{ response: unknown }>;

/** A middleware that rejects with WebPageError. Errors of servers are left to the SDK, which tries them again. */
export const rejectWebPages =
  (next: Handler): Handler =>
  async (args) => {
    const result = await next(args);
    const answer = readHttpAnswer(result.response);
    if (answer?.isPage && answer.status < 500) throw new WebPageError(answer);
    return result;
  };
