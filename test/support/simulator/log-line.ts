/** An access-log line of 34 fields, as documented: request_creation_time has milliseconds, printed with six decimals. */
import type { Row } from './row.ts';

export interface LineContext {
  /** app/name/id */
  loadBalancer: string;
  host: string;
  certificateArn: string;
}

export function logLine(row: Row, context: LineContext): string {
  const secure = row.type !== 'http';
  const version = row.type === 'h2' ? 'HTTP/2.0' : 'HTTP/1.1';
  const target = row.target ?? '-';
  const targetStatus = row.targetStatus === null ? '-' : String(row.targetStatus);
  return [
    row.type,
    microseconds(row.time),
    context.loadBalancer,
    row.client,
    target,
    duration(row.requestProcessing),
    duration(row.targetProcessing),
    duration(row.responseProcessing),
    row.elbStatus,
    targetStatus,
    row.receivedBytes,
    row.sentBytes,
    `"${row.method} ${row.url} ${version}"`,
    `"${row.userAgent}"`,
    secure ? 'TLS_AES_128_GCM_SHA256' : '-',
    secure ? 'TLSv1.3' : '-',
    row.targetGroupArn ?? '-',
    `"${row.traceId}"`,
    secure ? `"${context.host}"` : '"-"',
    secure ? `"${context.certificateArn}"` : '"-"',
    row.priority,
    `${new Date(Math.floor(row.created)).toISOString().slice(0, -1)}000Z`,
    `"${row.actions}"`,
    '"-"',
    `"${row.errorReason ?? '-'}"`,
    `"${target}"`,
    `"${targetStatus}"`,
    '"-"',
    '"-"',
    row.connectionId,
    '"-"',
    '"-"',
    '"-"',
    row.node,
  ].join(' ');
}

function duration(seconds: number): string {
  return seconds < 0 ? '-1' : seconds.toFixed(3);
}

function microseconds(time: number): string {
  const whole = Math.floor(time);
  const rest = Math.min(999, Math.floor((time - whole) * 1000));
  return `${new Date(whole).toISOString().slice(0, -1)}${String(rest).padStart(3, '0')}Z`;
}
