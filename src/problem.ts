type ExitCode = 1 | 2 | 3 | 130;

/**
 * An error the user can act on, in the terminal or in Slack. The message is one sentence for the user, without a stack
 * trace.
 * exitCode 1: the question is wrong. 2: something broke. 3: a strict check found something missing. 130: interrupted by
 * the user.
 */
export class Problem extends Error {
  readonly exitCode: ExitCode;

  constructor(message: string, exitCode: ExitCode) {
    super(message);
    this.name = 'Problem';
    this.exitCode = exitCode;
  }
}

/** Returns the message of anything thrown. */
export const errorMessage = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Returns the code of a Node.js error, such as "ENOENT"; empty for any other. */
export const errorCode = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
