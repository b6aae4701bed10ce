/** Limits of the search for the slowest routes, the same for both engines. */

/** Milliseconds (target_processing_time). Routes with only faster answers are ignored. */
export const SLOW_MS = 100;

/** Routes in the answer: those whose answers took longest together. */
export const SLOW_ROUTES = 50;

/**
 * Slow routes whose text is kept. A log with more, such as one of random paths, has no slowest routes: which of them
 * were met first depends on the threads.
 */
export const SLOW_TEXTS = 8_192;
