/** Limits of the search for the slowest routes, the same for both engines. */

/** Milliseconds (target_processing_time). Routes with only faster answers are ignored. */
export const SLOW_MS = 100;

/** Routes in the answer: those with the largest sum of answer times. */
export const SLOW_ROUTES = 50;

/**
 * Slow routes whose text is kept. If a log has more, such as one of random paths, no slowest routes are returned,
 * because which of them were found first would depend on the threads.
 */
export const SLOW_TEXTS = 8_192;
