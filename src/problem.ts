type ExitCode = 1 | 2 | 3 | 130;

/**
 * Something the person at the terminal or in Slack can act on. The message is one sentence for them, without a stack trace.
 * exitCode 1: the question is wrong. exitCode 2: something broke. exitCode 3: a strict look found something missing. exitCode 130: the person interrupted.
 */
export class Problem extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode) {
    super(message);
    this.name = 'Problem';
    this.exitCode = exitCode;
  }
}

/** What went wrong, in words, of anything that was thrown. */
export const errorMessage = (error: unknown): string => (error instanceof Error ? error.message : String(error));
