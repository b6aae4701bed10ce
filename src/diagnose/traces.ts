/** Lists trace ids of errors that only the application's log can settle, with commands that search for them. */

import { command } from '../format/command.ts';
import { type CauseId, causeOf } from './causes/index.ts';
import type { Diagnosis } from './diagnosis.ts';
import { type SampledError, traceRoots } from './traffic.ts';

const LIMIT = 5;
/** Null if no undecided error was closed before a response, or none has a trace id from the load balancer. `open`: the causes that remain possible for these errors. */
export function tracesOf(unexplained: readonly SampledError[], open: readonly CauseId[]): Diagnosis['traces'] {
  const closed = unexplained.filter((error) => error.signature === 'closed-before-response');
  const ids = traceRoots(closed).slice(0, LIMIT);
  if (ids.length === 0) return null;
  return {
    ids,
    grep: command`grep -RhE ${ids.join('|')} ${'/var/log/<application>/'}`,
    logsInsights: `fields @timestamp, @message | filter @message like /${ids.join('|')}/ | sort @timestamp asc`,
    logFormat: [
      'nginx: log_format traced \'$time_iso8601 $status $request_time "$request" "$http_x_amzn_trace_id"\'; access_log /var/log/nginx/access.log traced;',
      'Apache httpd: LogFormat "%t %>s %D \\"%r\\" \\"%{X-Amzn-Trace-Id}i\\"" traced; CustomLog logs/access_log traced',
      'gunicorn: --access-logformat \'%(t)s %(s)s %(D)s "%(r)s" "%({x-amzn-trace-id}i)s"\'',
      "Node.js: log req.headers['x-amzn-trace-id'] when the request starts and when it ends",
    ],
    meaning: meaningOf(open),
  };
}

/** What each answer of the application's log means; names only what is still possible. */
function meaningOf(open: readonly CauseId[]): NonNullable<Diagnosis['traces']>['meaning'] {
  const reasons = (is: 'absent' | 'unfinished'): string[] =>
    open.flatMap((id) => {
      const left = causeOf(id)?.inApplicationLog;
      return left?.is === is ? left.because : [];
    });
  const absent = reasons('absent');
  const unfinished = reasons('unfinished').map((because) => `, or ${because}`);
  return {
    absent:
      absent.length > 0
        ? `if the application logs trace IDs, the request never reached it: ${absent.join(', ')}, a proxy in front of it, or a restart at that moment`
        : 'if the application logs trace IDs, the request never reached it: check for a restart at that moment, and any proxy in front of it',
    started: `the application crashed, was killed or closed the connection${unfinished.join('')}: read the last lines of its log`,
    finished: 'the response was malformed, or its headers were over 32 KB: look at the raw response',
  };
}
