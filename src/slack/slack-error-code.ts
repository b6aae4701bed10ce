export const SLACK_UNREACHABLE = 'it cannot be reached';

/** Returns Slack's error code, or `SLACK_UNREACHABLE`; null for other errors. */
export function slackErrorCode(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if ('data' in error && typeof error.data === 'object' && error.data !== null && 'error' in error.data)
    return String(error.data.error);
  // Compare codes, because bundling renames classes.
  const code = 'code' in error ? error.code : '';
  return code === 'slack_webapi_request_error' || code === 'slack_webapi_http_error' ? SLACK_UNREACHABLE : null;
}
