/** What is to be done when the test, or whatever else needs a server, is over. */
export type AtEnd = (end: () => void) => void;
