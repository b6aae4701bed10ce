/** Destinations of an access log, and their names in text. */

/** One destination of the access log. */
export interface DeliveredLog {
  service: 's3' | 'cloudwatch-logs' | 'firehose' | 'other';
  /** Bucket and prefix, log group, or stream; the ARN of another destination. Null if looking it up was refused. */
  name: string | null;
  /** plain, json, w3c, parquet or raw; null if unknown, or fixed as with `access_logs.s3`. */
  format: string | null;
  /** The Firehose stream that writes these files to S3. */
  stream?: string | undefined;
}

/** Keeps only the properties of the destination. */
export const logOf = ({ service, name, format, stream }: DeliveredLog): DeliveredLog => ({
  ...{ service, name, format },
  ...(stream === undefined ? {} : { stream }),
});

/** Whether any of these keeps the log; a stream that could not be followed to S3 keeps nothing that can be read. */
export const isKept = (places: readonly DeliveredLog[]): boolean =>
  places.some(({ service }) => service !== 'firehose');

const SERVICES: Record<DeliveredLog['service'], string> = {
  s3: 'S3',
  'cloudwatch-logs': 'CloudWatch Logs',
  firehose: 'Firehose',
  other: 'another service',
};

const FORMATS: Record<string, string> = { plain: 'plain', json: 'JSON', w3c: 'W3C', parquet: 'Parquet', raw: 'raw' };

/**
 * Formats a destination: "CloudWatch Logs (log group /aws/vendedlogs/alb, JSON)", "S3 (s3://bucket/prefix, Parquet)".
 */
export function deliveredLogWords({ service, name, format, stream }: DeliveredLog): string {
  const named = { s3: 's3://', 'cloudwatch-logs': 'log group ', firehose: 'stream ', other: '' }[service];
  const details = [
    ...(name === null ? [] : [`${named}${name}`]),
    ...(format === null ? [] : [FORMATS[format] ?? format]),
    ...(stream === undefined ? [] : [`from Firehose stream ${stream}`]),
  ];
  return details.length === 0 ? SERVICES[service] : `${SERVICES[service]} (${details.join(', ')})`;
}
