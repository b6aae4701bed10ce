/** The parts of tasks, definitions and tags that a saved incident keeps. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { collect } from '../../../src/collect/collect.ts';
import {
  questionToRecording,
  readIncident,
  recordedCollectors,
} from '../../../src/collect/incident/incident-collectors.ts';
import { saveIncident } from '../../../src/collect/incident/save.ts';
import { incidentFolder, temporaryFolder } from '../../support/incident/folder.ts';

const SECRET = 'hunter2';
const definition = 'arn:aws:ecs:eu-west-1:123456789012:task-definition/feed-api:47';
const group = 'arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/feed/73e2d6bc24d8a067';

it.each([
  [
    'the environment, commands and labels of a task definition',
    'ecs-describe-task-definition',
    {
      [definition]: {
        taskDefinition: {
          taskDefinitionArn: definition,
          containerDefinitions: [
            {
              name: 'app',
              stopTimeout: 20,
              environment: [{ name: 'TOKEN', value: SECRET }],
              secrets: [{ name: 'KEY', valueFrom: SECRET }],
              command: ['serve', SECRET],
              dockerLabels: { key: SECRET },
            },
          ],
        },
      },
    },
    '"stopTimeout": 20',
  ],
  [
    'the overrides of a task',
    'ecs-describe-tasks',
    {
      tasks: [
        {
          taskArn: 'arn:aws:ecs:eu-west-1:123456789012:task/main/8f3c',
          stopCode: 'EssentialContainerExited',
          overrides: { containerOverrides: [{ name: 'app', command: [SECRET], environment: [{ value: SECRET }] }] },
          tags: [{ key: 'owner', value: SECRET }],
        },
      ],
    },
    '"stopCode": "EssentialContainerExited"',
  ],
  [
    'tags of the team',
    'describe-tags',
    {
      TagDescriptions: [
        {
          ResourceArn: group,
          Tags: [
            { Key: 'ingress.k8s.aws/stack', Value: 'shop/web' },
            { Key: 'note', Value: SECRET },
          ],
        },
      ],
    },
    '"Value": "shop/web"',
  ],
  [
    'the launch parameters of a scaling activity',
    'describe-scaling-activities',
    { web: { Activities: [{ AutoScalingGroupName: 'web', Cause: 'a scale-in', Details: SECRET }] } },
    '"Cause": "a scale-in"',
  ],
  [
    'the revision of a deployment',
    'batch-get-deployments',
    { deploymentsInfo: [{ deploymentId: 'd-1', status: 'Stopped', revision: { string: { content: SECRET } } }] },
    '"status": "Stopped"',
  ],
])('%s are removed, and the rest is kept', async (_, file, content, kept) => {
  const incident = await readIncident(incidentFolder({ [`aws/${file}.json`]: content }));
  const question = questionToRecording(incident, { loadBalancer: null, window: null, statuses: null });
  const evidence = await collect(recordedCollectors(incident, question));
  const dir = join(temporaryFolder(), 'saved');
  await saveIncident(dir, { question, evidence, incident });
  const saved = readFileSync(join(dir, `aws/${file}.json`), 'utf8');
  expect(saved).not.toContain(SECRET);
  expect(saved).toContain(kept);
});
