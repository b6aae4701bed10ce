/** Result of one check of `serve --check`. `detail`: its state, or what is missing. */
export interface CheckResult {
  what: string;
  detail: string;
  /** `note`: for information, or could not be checked; the bot works anyway. */
  state: 'ok' | 'missing' | 'note';
}
