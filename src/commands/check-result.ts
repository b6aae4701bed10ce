/** One thing that `serve --check` looked at: what it is like, or what is missing. */
export interface CheckResult {
  what: string;
  detail: string;
  /** `note`: worth knowing, or could not be looked at; the bot works all the same. */
  state: 'ok' | 'missing' | 'note';
}
