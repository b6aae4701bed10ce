/** Log lines and files for tests. */
import { gzipSync } from 'node:zlib';
import { GROUP_ARN, LB } from './folder.ts';

export interface LineFields {
  /** "HH:MM:SS.mmm" on 2026-11-20. */
  time?: string;
  client?: string;
  status?: string;
  targetStatus?: string;
  request?: string;
  elb?: string;
}

/** A complete line with 33 fields. */
export const logLine = ({
  time = '02:47:11.162',
  client = '203.0.113.7:46882',
  status = '502',
  targetStatus = '-',
  request = 'GET http://example.com:80/cart?token=secret HTTP/1.1',
  elb = LB,
}: LineFields = {}): string =>
  `http 2026-11-20T${time}359Z ${elb} ${client} 172.31.6.52:80 0.001 0.004 -1 ${status} ${targetStatus} 116 556 "${request}" "curl/8.11.1" - - ${GROUP_ARN} "Root=1-693ac6ee-${Buffer.from(
    time + client,
  )
    .toString('hex')
    .slice(
      0,
      24,
    )}" "-" "-" 0 2026-11-20T${time}000Z "forward" "-" "-" "172.31.6.52:80" "${targetStatus}" "-" "-" TID_1cda3a622035454996cd2c4a60867901 "-" "-" "-"`;

/** The name S3 gives a file that ends at "HHMM". */
export const logName = (end: string, node = '172.31.0.9', prefix = ''): string =>
  `${prefix}123456789012_elasticloadbalancing_us-west-2_app.${LB.split('/').slice(1).join('.')}_20261120T${end}Z_${node}_abc.log.gz`;

export const gzipLines = (...lines: string[]): Buffer => gzipSync(lines.map((line) => `${line}\n`).join(''));
