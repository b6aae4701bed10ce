/** Limits of the search for the slowest routes, the same for both engines. */

/** Milliseconds (target_processing_time). Routes with only faster answers are ignored. */
export const SLOW_MS = 100;

/** Routes in the answer: those with the largest sum of answer times. */
export const SLOW_ROUTES = 50;

/**
 * Routes with a slow answer or a 400 whose text is kept. A log with more, such as one of random paths, names none of
 * them: which were met first depends on the threads.
 */
export const NAMED_ROUTES = 8_192;

/** Routes in the answer about target groups that answer every request with 400: those with most requests. */
export const BAD_ROUTES = 30;
