/**
 * Something the person at the terminal or in Slack can act on. The message is one sentence for them, without a stack trace.
 * exitCode 1: the question is wrong. exitCode 2: something broke.
 */
export class Problem extends Error {
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2) {
    super(message);
    this.name = 'Problem';
    this.exitCode = exitCode;
  }
}
