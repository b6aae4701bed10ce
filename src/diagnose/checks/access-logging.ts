import { type DeliveredLog, deliveredLogWords, isKept } from '../../evidence/delivered-log.ts';
import { list, number } from '../../format/wording.ts';
import { defineCheck } from './check.ts';

export const accessLogging = defineCheck({
  id: 'access-logging',
  step: 1,
  subject: 'whether access logging is on',
  question: 'Does the load balancer deliver access logs?',
  why: 'Only the access log says which request failed, on which target, and how far it got.',
  fix: 'Allow log delivery in the bucket policy, then run aws elbv2 modify-load-balancer-attributes --load-balancer-arn <arn> --attributes Key=access_logs.s3.enabled,Value=true Key=access_logs.s3.bucket,Value=<bucket>.',
  reference: 'https://docs.aws.amazon.com/elasticloadbalancing/latest/application/enable-access-logging.html',
  headline: 3,
  needs: ['attributes'],
  wants: ['accessLog', 'logDelivery'],

  evaluate({ attributes, accessLog, logDelivery }) {
    const enabled = attributes['access_logs.s3.enabled'];
    const bucket = attributes['access_logs.s3.bucket'];
    const prefix = attributes['access_logs.s3.prefix'];
    if (enabled === undefined) {
      return { outcome: 'unknown', summary: 'The attributes do not say whether access logs are on.' };
    }
    const others = accessLog?.reading?.others ?? [];
    const also = others.length === 0 ? '' : ` The log also goes to ${list(others.map(deliveredLogWords))}.`;
    if (enabled === 'true') {
      const place = bucket ? ` (s3://${[bucket, prefix].filter(Boolean).join('/')})` : '';
      const read = accessLog?.reading?.from;
      const from = read?.service === 'cloudwatch-logs' ? ` It was read from ${deliveredLogWords(read)}.` : '';
      return { outcome: 'pass', summary: `Access logging is on${place}.${from}${also}` };
    }
    const entries = accessLog?.entries ?? 0;
    if (logDelivery !== undefined && isKept(logDelivery)) {
      const places = accessLog?.reading?.from === undefined ? logDelivery : [accessLog.reading.from];
      return {
        outcome: 'pass',
        summary: `Access logs are delivered to ${list(places.map(deliveredLogWords))}; access_logs.s3.enabled is false.${also}`,
      };
    }
    if (entries > 0) {
      return {
        outcome: 'pass',
        summary: `access_logs.s3.enabled is false now, but ${number(entries)} entries were read: logging was switched off later, or they came by vended log delivery.`,
      };
    }
    return {
      outcome: 'fail',
      summary: `access_logs.s3.enabled is false. ${elsewhere(accessLog ? undefined : logDelivery)}`,
    };
  },
});

/** `places`: undefined if they were not looked up. */
function elsewhere(places: readonly DeliveredLog[] | undefined): string {
  if (places === undefined)
    return 'Logs may be delivered another way: to CloudWatch Logs, Firehose or S3 (aws logs describe-deliveries).';
  return places.length === 0
    ? 'The log is not delivered another way either.'
    : `The log goes only to ${list(places.map(deliveredLogWords))}, which could not be followed to files in S3.`;
}
