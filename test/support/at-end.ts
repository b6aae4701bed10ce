/** Cleanup at the end of a test, or of anything else that needs a server. */
export type AtEnd = (end: () => void) => void;
