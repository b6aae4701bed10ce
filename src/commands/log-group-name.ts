/** The name of a log group. Source: CloudWatch Logs API reference, CreateLogGroup. */
export const LOG_GROUP = /^[\w./#-]{1,512}$/;
