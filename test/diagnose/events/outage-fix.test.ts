import { describe, expect, it } from 'vitest';
import { outageFix } from '../../../src/diagnose/events/outage-fix.ts';
import { readTraffic } from '../../../src/diagnose/traffic.ts';
import { answering, failing, type ServedRequest, servedLog } from '../../support/traffic/served-traffic.ts';
import { API, question } from '../../support/traffic/traffic-builder.ts';

const [A, B] = ['10.0.1.5:8080', '10.0.1.6:8080'];

function fixOf(requests: readonly ServedRequest[], registered: readonly string[] = []) {
  const traffic = readTraffic(servedLog(requests), question);
  const health = registered.map((Id) => ({ Target: { Id, Port: 8080 }, TargetHealth: { State: 'unhealthy' } }));
  return outageFix(traffic, traffic.errors, { [API]: health });
}

const refused = (sent: number, late = false) =>
  Array.from({ length: 12 }, (_, index) =>
    failing('connect-failed', sent + index * 0.25, A, { took: late && index % 2 === 0 ? 1.03 : 0.002 }),
  );
const boom = (sent: number) => failing('closed-before-response', sent - 0.2, A, { route: 'GET /boom', took: 0.1 });
const peer = [...answering(B, 0, 900), ...answering(B, 0.5, 900, 9, 'GET /boom')];

describe('the fix of an outage', () => {
  it('names the route whose requests end the process', () => {
    const down = [100, 400, 700];
    const requests = [
      ...peer,
      ...answering(A, 0, 100),
      ...answering(A, 104, 400),
      ...answering(A, 404, 700),
      ...answering(A, 704, 900),
      ...down.flatMap((at) => [boom(at), ...refused(at)]),
    ];
    expect(fixOf(requests)).toMatchObject({
      summary:
        'Find out how GET /boom ends the process on 10.0.1.5:8080 at 02:41:39 UTC, 02:46:39 UTC and 02:51:39 UTC: 3 of 3 times it cut off such a request. Until then, block or route that request elsewhere.',
      commands: [
        expect.stringMatching(
          /^kubectl get pods -A --field-selector status.podIP=10.0.1.5 -o 'custom-columns=.*exitCode'$/,
        ),
        "journalctl --utc --since '2026-11-20 02:40:39'",
      ],
    });
  });

  it('waits for new targets that are not ready', () => {
    const fresh = (target: string, from: number) => [
      ...answering(target, from, from + 18, 2).map(({ sent }) => failing('connect-failed', sent, target)),
      ...answering(target, from + 18, 900),
    ];
    const requests = [...answering(B, 0, 900), ...fresh('10.0.1.7:8080', 300), ...fresh('10.0.1.8:8080', 360)];
    expect(fixOf(requests)?.summary).toBe(
      'Send requests to new targets of api only once they listen: requests failed up to 16.0 s after a target got its first one.',
    );
  });

  it('explains exit codes if no route stands out', () => {
    const requests = [...peer, ...answering(A, 0, 100), ...refused(100), ...answering(A, 104, 900)];
    expect(fixOf(requests)?.summary).toBe(
      'Find out what ends the process on 10.0.1.5:8080 at 02:41:39 UTC. Exit code 137 means killed, mostly out of memory; 143 means stopped by the platform, as after failed health checks; other codes mean a crash.',
    );
  });

  it('deregisters lost targets that are still registered', () => {
    const requests = [...peer, ...answering(A, 0, 300), ...refused(300, true)];
    expect(fixOf(requests, ['10.0.1.5', '10.0.1.6'])).toMatchObject({
      summary:
        'Deregister 10.0.1.5:8080: nothing has answered there since 02:44:59 UTC. Then find out why it was not deregistered (controller, deployment script, failed deletion).',
      commands: [
        `aws elbv2 deregister-targets --target-group-arn ${API} --targets Id=10.0.1.5,Port=8080`,
        `aws elbv2 describe-target-health --target-group-arn ${API}`,
        'kubectl get pods -A -o wide; kubectl get targetgroupbindings -A',
      ],
    });
  });

  it('suspects a firewall if connections are rejected late and the target is still chosen', () => {
    const requests = [...peer, ...answering(A, 0, 890), ...refused(890, true)];
    expect(fixOf(requests, ['10.0.1.5'])?.summary).toBe(
      'Look for a firewall or router that rejects connections to 10.0.1.5:8080: the rejection took up to 1.0 s, too long for a closed port.',
    );
  });

  it.each([
    ['a host that refuses at once: only the process is missing', [...peer, ...answering(A, 0, 300), ...refused(300)]],
    ['errors that are of no event', [...peer, ...answering(A, 0, 900), boom(100), boom(300), boom(601)]],
  ])('is left to the cause for %s', (_, requests) => {
    expect(fixOf(requests, ['10.0.1.5'])).toBeNull();
  });
});
