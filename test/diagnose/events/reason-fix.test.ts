/** What to do about tasks that ran out of memory, from what ECS says of them. */
import { describe, expect, it } from 'vitest';
import { diagnose } from '../../../src/diagnose/diagnose.ts';
import type { Collected } from '../../../src/evidence/collected.ts';
import type { EcsService, EcsTask, TaskDefinition } from '../../../src/evidence/workloads.ts';
import { logAlone } from '../../support/traffic/log-alone.ts';
import { answering, failing, servedLog } from '../../support/traffic/served-traffic.ts';
import { API, question, START } from '../../support/traffic/traffic-builder.ts';

const [A, B, C] = ['10.0.1.5:8080', '10.0.1.6:8080', '10.0.1.7:8080'];
const REVISION = 'feed-api:46';
const ecs = (kind: string, name: string) => `arn:aws:ecs:eu-west-1:123456789012:${kind}/${name}`;
const time = (second: number): string => new Date(START + second * 1000).toISOString();
const collected = <T>(value: T): Collected<T> => ({ status: 'collected', source: '', value });

const died = (id: string, address: string, at: number): EcsTask => ({
  ...{ taskArn: ecs('task', `main/${id}`), clusterArn: ecs('cluster', 'main'), group: 'service:feed-api' },
  ...{ taskDefinitionArn: ecs('task-definition', REVISION), startedAt: time(-3600), stoppingAt: time(at) },
  ...{ lastStatus: 'STOPPED', stopCode: 'EssentialContainerExited' },
  attachments: [{ details: [{ name: 'privateIPv4Address', value: address }] }],
  containers: [{ name: 'app', exitCode: 137, reason: 'OutOfMemoryError: Container killed due to memory usage' }],
});

const service: EcsService = {
  ...{ serviceArn: ecs('service', 'main/feed-api'), serviceName: 'feed-api', clusterArn: ecs('cluster', 'main') },
  loadBalancers: [{ targetGroupArn: API }],
};

/** Two targets refuse, one after the other, when their tasks have run out of memory. */
function diagnosed(definition: Partial<TaskDefinition>) {
  const requests = [
    ...answering(C, 0, 900),
    ...answering(A, 0, 300),
    ...Array.from({ length: 20 }, (_, index) => failing('connect-failed', 300 + index, A)),
    ...answering(B, 0, 600),
    ...Array.from({ length: 20 }, (_, index) => failing('connect-failed', 600 + index, B)),
  ];
  return diagnose(question, {
    ...logAlone([]),
    accessLog: collected(servedLog(requests)),
    services: collected([service]),
    tasks: collected([died('8f3c5a6b', '10.0.1.5', 299), died('41d0c2ab', '10.0.1.6', 599)]),
    taskDefinitions: collected({
      [ecs('task-definition', REVISION)]: {
        ...{ family: 'feed-api', revision: 46, containerDefinitions: [{ name: 'app', memory: 512 }] },
        ...definition,
      },
    }),
  });
}

describe('tasks that ran out of memory', () => {
  const { causes, verdict } = diagnosed({});
  const [lead] = causes;

  it('lead with the memory and name the refusals as what followed', () => {
    expect(verdict.cause).toBe('connection-refused');
    expect(verdict.summary).toMatch(
      /^2 tasks of api \(feed-api:46\) ran out of memory at 02:44:59 and 02:49:59 UTC\. 40 errors in .* The access log shows it as connection refused while in service \(likely\)\./,
    );
  });

  it('are proved by the exit of each task', () => {
    expect(lead?.for.slice(0, 2)).toEqual([
      'feed-api task 8f3c… (10.0.1.5): container "app" ran out of memory (exit 137) at 02:44:59 UTC.',
      'feed-api task 41d0… (10.0.1.6): container "app" ran out of memory (exit 137) at 02:49:59 UTC.',
    ]);
  });

  it('get more memory by the commands, which ask about every task', () => {
    expect(lead?.fix.summary).toBe(
      'Raise the memory of container "app" above 512 MiB (feed-api:46), for example to 1,024 MiB: register a new revision and update feed-api. If memory keeps growing, look for a leak.',
    );
    const [look, register, update] = lead?.fix.commands ?? [];
    expect(register).toContain('describe-task-definition --task-definition feed-api:46 --query taskDefinition | jq ');
    expect(register).toContain('select(.name=="app") | .memory) = 1024');
    expect(register).toMatch(/^aws ecs register-task-definition --cli-input-json "\$\(aws ecs /);
    expect(update).toContain('--service feed-api --task-definition feed-api');
    expect(look).toContain(`--tasks ${ecs('task', 'main/8f3c5a6b')} ${ecs('task', 'main/41d0c2ab')}`);
  });

  it('get no command for a container that its task has no room for', () => {
    const { commands } = diagnosed({ memory: '512' }).causes[0]?.fix ?? { commands: [] };
    expect(commands.map((one) => one.split(' ').slice(0, 3).join(' '))).toEqual(['aws ecs describe-tasks']);
  });
});
