/**
 * Serves AWS on 127.0.0.1 for bench/latency.ts, in a process of its own: an account, a log bucket and an Athena with
 * the recorded incident named by the first argument. Every call takes as many milliseconds as the second argument says,
 * every query as many as the third. Prints the addresses as JSON, and ends with its standard input.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { serveAthena } from '../test/support/athena/server.ts';
import { FORMS } from '../test/support/athena/tables.ts';
import { incidentFolder } from '../test/support/aws/live-run.ts';
import { environmentFor, filesOf, serveAccount } from '../test/support/aws/recorded-account.ts';
import { serveS3 } from '../test/support/s3/server.ts';

const BUCKET = 'example-alb-logs';
const [, , number = '', call = '', query = ''] = process.argv;
const [latency, running] = [Number(call), Number(query)];

const folder = incidentFolder(number);
const logs = join(folder, 'logs');
const files = readdirSync(logs, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
const objects = new Map(
  files.map(({ parentPath, name }) => {
    const path = join(parentPath, name);
    return [path.slice(logs.length + 1), readFileSync(path)] as const;
  }),
);
const [key = ''] = objects.keys();
const location = `s3://${BUCKET}/${key.replace(/[0-9]{4}[/][0-9]{2}[/][0-9]{2}[/][^/]*$/, '')}`;

const ends: (() => void)[] = [];
const atEnd = (end: () => void) => void ends.push(end);
const form = FORMS['the one alb502 makes'];
const [account, s3, athena] = await Promise.all([
  serveAccount(filesOf(folder), atEnd),
  serveS3({ name: BUCKET, objects, latency }, atEnd),
  serveAthena(
    [{ database: 'logs', name: 'alb', form, location, bucket: BUCKET, objects }],
    { latency, running },
    atEnd,
  ),
]);
account.always('*', { wait: latency });

process.stdin.on('end', () => {
  for (const end of ends) end();
});
process.stdin.resume();
process.stdout.write(
  `${JSON.stringify({
    ...environmentFor(account.port),
    AWS_ENDPOINT_URL_S3: s3.endpoint,
    AWS_ENDPOINT_URL_ATHENA: athena.endpoint,
    AWS_ENDPOINT_URL_GLUE: athena.endpoint,
    ALB502_ATHENA_DATABASE: 'logs',
    ALB502_ATHENA_OUTPUT: 's3://results/athena/',
  })}\n`,
);
