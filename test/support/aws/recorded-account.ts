/**
 * An AWS account on 127.0.0.1: speaks the protocols of the services that live evidence is read from, and answers with what a recorded
 * incident holds. Faults are injected by action.
 */
import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import type { AtEnd } from '../at-end.ts';
import { cloudFrontXml, ec2Xml, elasticLoadBalancingXml, escapeXml } from './xml.ts';

// biome-ignore lint/suspicious/noExplicitAny: JSON as it was saved
type Json = any;

/** What the files of an incident folder hold, by name without ending. */
export type Files = Record<string, Json>;

/** A call as it arrived. */
interface ReceivedCall {
  /** As IAM names it. */
  action: string;
  region: string;
  /** Of the credentials that signed it. */
  accessKey: string;
  input: Json;
}

/** What a call meets: an error, a delay in milliseconds before the answer, no answer, or a closed connection. */
export type Fault = { code: string; message?: string; status?: number } | { wait: number } | 'silence' | 'disconnect';

export interface LocalAccount {
  port: number;
  asked: ReceivedCall[];
  /** The next calls of an action meet these, one after the other. */
  meets(action: string, ...faults: Fault[]): void;
  /** Every call of an action meets this; "*" for all actions. */
  always(action: string, fault: Fault): void;
  /** Nothing has more items on a page. */
  paged(items: number): void;
  /** Holds answers until no call has come for so many milliseconds; they end a round. */
  inRounds(quiet: number): void;
  rounds(): string[][];
  /** Calls that wait for an answer. */
  open(): number;
  /** Contents of a region or for a role: the key is a region or the access key issued for the role. */
  holds(where: string, files: Files): void;
}

export const DENIED: Fault = {
  code: 'AccessDenied',
  message: 'User: arn:aws:iam::123456789012:user/ops is not authorized: no identity-based policy allows the action',
  status: 403,
};
export const THROTTLED: Fault = { code: 'Throttling', message: 'Rate exceeded', status: 400 };

const NAMES = [
  'describe-load-balancers',
  'describe-load-balancer-attributes',
  'describe-listeners',
  'describe-rules',
  'describe-target-groups',
  'describe-target-group-attributes',
  'describe-target-health',
  'describe-security-groups',
  'describe-network-acls',
  'describe-subnets',
  'describe-route-tables',
  'describe-network-interfaces',
  'describe-instances',
  'get-managed-prefix-list-entries',
  'describe-managed-prefix-lists',
  'cloudfront-list-distributions',
  'cloudfront-list-vpc-origins',
  'cloudfront-get-distribution-config',
  'logs-deliveries',
  'firehose-describe-delivery-stream',
  'get-function-configuration',
  'get-alias',
  'describe-tags',
  'ecs-describe-services',
  'ecs-describe-tasks',
  'ecs-describe-task-definition',
  'ecs-describe-container-instances',
  'ecs-describe-service-deployments',
  'ecs-describe-service-revisions',
  'describe-scaling-activities',
  'describe-lifecycle-hooks',
  'batch-get-deployments',
  'lookup-events',
];

/** Milliseconds. */
const STEP = 10;

/** The files of a recorded incident. */
export function filesOf(folder: string): Files {
  const read = (path: string): Json =>
    existsSync(join(folder, path)) ? JSON.parse(readFileSync(join(folder, path), 'utf8')) : undefined;
  return {
    ...Object.fromEntries(NAMES.map((name) => [name, read(`aws/${name}.json`)])),
    metrics: read('metrics.json'),
  };
}

/** Serves until the test is over, with credentials for it in the environment. */
export async function openAccount(files: Files): Promise<LocalAccount> {
  const account = await serveAccount(files);
  credentialsFor(account.port);
  return account;
}

/** Serves until the test is over, or whatever else `atEnd` waits for. */
export async function serveAccount(files: Files, atEnd: AtEnd = onTestFinished): Promise<LocalAccount> {
  const held = new Map<string, Files>();
  const asked: ReceivedCall[] = [];
  const faults = new Map<string, Fault[]>();
  const lasting = new Map<string, Fault>();
  const rounds: string[][] = [];
  let waiting: { action: string; go: () => void }[] = [];
  let quiet = 0;
  let timer: NodeJS.Timeout | undefined;
  let items = Number.POSITIVE_INFINITY;
  let open = 0;

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const call = readCall(request, await bodyOf(request));
    asked.push(call);
    const fault = faults.get(call.action)?.shift() ?? lasting.get(call.action) ?? lasting.get('*');
    if (fault === 'silence') return;
    if (fault === 'disconnect') return void request.socket.destroy();
    if (fault !== undefined && 'wait' in fault) await new Promise((resolve) => setTimeout(resolve, fault.wait));
    if (quiet > 0) await nextRound(call.action);
    if (response.destroyed) return;
    if (fault !== undefined && 'code' in fault) return fail(response, call, fault);
    const there = held.get(call.region) ?? held.get(call.accessKey) ?? files;
    try {
      reply(response, call, answerOf(call, there, items));
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      fail(response, call, { code: error.code, message: error.message });
    }
  };

  const nextRound = (action: string): Promise<void> =>
    new Promise((go) => {
      waiting.push({ action, go });
      clearTimeout(timer);
      // In small steps, so that input is read in between if the machine pauses.
      const step = (left: number): void => {
        if (left > 0) timer = setTimeout(step, STEP, left - STEP);
        else {
          const round = waiting;
          waiting = [];
          rounds.push(round.map((one) => one.action));
          for (const one of round) one.go();
        }
      };
      step(quiet);
    });

  const server = createServer((request, response) => {
    open += 1;
    response.on('close', () => {
      open -= 1;
    });
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  return {
    port,
    asked,
    meets: (action, ...each) => void faults.set(action, [...(faults.get(action) ?? []), ...each]),
    always: (action, fault) => void lasting.set(action, fault),
    paged: (most) => {
      items = most;
    },
    inRounds: (milliseconds) => {
      quiet = milliseconds;
    },
    rounds: () => rounds,
    open: () => open,
    holds: (where, there) => void held.set(where, there),
  };
}

/** The environment of a person with credentials, and with nothing else of AWS. */
export function environmentFor(port: number): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_REGION: 'eu-west-1',
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  };
}

function credentialsFor(port: number): void {
  for (const name of ['AWS_PROFILE', 'AWS_SESSION_TOKEN', 'AWS_DEFAULT_REGION', 'ALB502_CONFIG'])
    vi.stubEnv(name, undefined);
  for (const [name, value] of Object.entries(environmentFor(port))) vi.stubEnv(name, value);
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}

const SERVICES: Record<string, string> = { monitoring: 'cloudwatch' };

function readCall({ headers, url = '/' }: IncomingMessage, body: string): ReceivedCall {
  const scope = /Credential=([^/]+)\/\d+\/([^/]+)\/([^/]+)\//.exec(headers.authorization ?? '');
  const [, accessKey = '', region = '', service = ''] = scope ?? [];
  const target = headers['x-amz-target'];
  const name =
    typeof target === 'string'
      ? (target.split('.').at(-1) ?? '')
      : service === 'lambda'
        ? url.includes('/aliases/')
          ? 'GetAlias'
          : 'GetFunctionConfiguration'
        : service === 'cloudfront'
          ? url.includes('/vpc-origin')
            ? 'ListVpcOrigins'
            : url.endsWith('/config')
              ? 'GetDistributionConfig'
              : 'ListDistributions'
          : (new URLSearchParams(body).get('Action') ?? '');
  const input =
    typeof target === 'string'
      ? JSON.parse(body)
      : service === 'lambda'
        ? { FunctionName: decodeURIComponent(url.split('/')[3] ?? ''), Name: url.split('/')[5] }
        : Object.fromEntries(new URLSearchParams(body));
  return { action: `${SERVICES[service] ?? service}:${name}`, region, accessKey, input };
}

class AwsError extends Error {
  readonly code: string;
  constructor(code: string) {
    super(`${code} as AWS says it`);
    this.code = code;
  }
}

/** The values of `<name>.member.1` and `<name>.1`, in order. */
const listIn = (input: Json, name: string): string[] =>
  Object.keys(input)
    .filter((key) => key.startsWith(`${name}.`))
    .map((key) => input[key]);

interface Page {
  members: Json;
  /** The list that is cut into pages. */
  list?: string;
}

function answerOf(call: ReceivedCall, files: Files, items: number): Json {
  const { members, list } = membersOf(call, files);
  if (list === undefined || members[list] === undefined) return members;
  const { input } = call;
  const start = Number(input.Marker ?? input.NextToken ?? 0);
  const asked = Number(input.PageSize ?? input.MaxResults ?? Number.POSITIVE_INFINITY);
  const end = start + Math.min(items, asked);
  const more =
    end < members[list].length ? { [call.action.startsWith('elastic') ? 'NextMarker' : 'NextToken']: `${end}` } : {};
  return { ...members, [list]: members[list].slice(start, end), ...more };
}

function membersOf({ action, input }: ReceivedCall, files: Files): Page {
  const inVpc = (file: string, list: string): Page => ({
    members: { [list]: (files[file]?.[list] ?? []).filter((one: Json) => one.VpcId === input['Filter.1.Value.1']) },
    list,
  });
  const keyed = (file: string, key: string, missing: string, list?: string): Page => {
    const members = files[file]?.[key];
    if (members === undefined) throw new AwsError(missing);
    return { members, ...(list === undefined ? {} : { list }) };
  };
  switch (action) {
    case 'elasticloadbalancing:DescribeLoadBalancers': {
      // The version of the API that knows only Classic Load Balancers.
      if (input.Version === '2012-06-01') {
        const [name = ''] = listIn(input, 'LoadBalancerNames');
        const classic: Json[] = files['describe-classic-load-balancers']?.LoadBalancerDescriptions ?? [];
        const found = classic.filter((one) => one.LoadBalancerName === name);
        if (found.length === 0) throw new AwsError('LoadBalancerNotFound');
        return { members: { LoadBalancerDescriptions: found } };
      }
      const [names, arns] = [listIn(input, 'Names'), listIn(input, 'LoadBalancerArns')];
      const all: Json[] = files['describe-load-balancers']?.LoadBalancers ?? [];
      const found = all.filter(
        (one) =>
          (names.length === 0 || names.includes(one.LoadBalancerName)) &&
          (arns.length === 0 || arns.includes(one.LoadBalancerArn)),
      );
      if (found.length === 0 && names.length + arns.length > 0) throw new AwsError('LoadBalancerNotFound');
      return { members: { LoadBalancers: found }, list: 'LoadBalancers' };
    }
    case 'elasticloadbalancing:DescribeLoadBalancerAttributes':
      return keyed('describe-load-balancer-attributes', input.LoadBalancerArn, 'LoadBalancerNotFound');
    case 'elasticloadbalancing:DescribeListeners':
      return keyed('describe-listeners', input.LoadBalancerArn, 'LoadBalancerNotFound', 'Listeners');
    case 'elasticloadbalancing:DescribeRules':
      return keyed('describe-rules', input.ListenerArn, 'ListenerNotFound', 'Rules');
    case 'elasticloadbalancing:DescribeTargetGroups':
      return {
        members: {
          TargetGroups: (files['describe-target-groups']?.TargetGroups ?? []).filter((one: Json) =>
            one.LoadBalancerArns.includes(input.LoadBalancerArn),
          ),
        },
        list: 'TargetGroups',
      };
    case 'elasticloadbalancing:DescribeTargetGroupAttributes':
      return keyed('describe-target-group-attributes', input.TargetGroupArn, 'TargetGroupNotFound');
    case 'elasticloadbalancing:DescribeTargetHealth':
      return keyed('describe-target-health', input.TargetGroupArn, 'TargetGroupNotFound');
    case 'ec2:DescribeSecurityGroups':
      return inVpc('describe-security-groups', 'SecurityGroups');
    case 'ec2:DescribeNetworkAcls':
      return inVpc('describe-network-acls', 'NetworkAcls');
    case 'ec2:DescribeSubnets':
      return inVpc('describe-subnets', 'Subnets');
    case 'ec2:DescribeRouteTables':
      return inVpc('describe-route-tables', 'RouteTables');
    case 'ec2:DescribeNetworkInterfaces':
      return inVpc('describe-network-interfaces', 'NetworkInterfaces');
    case 'ec2:DescribeInstances': {
      const wanted = Object.keys(input).flatMap((key) => (/^Filter\.1\.Value\.\d+$/.test(key) ? [input[key]] : []));
      const field = input['Filter.1.Name'] === 'vpc-id' ? 'VpcId' : 'InstanceId';
      const all: Json[] = (files['describe-instances']?.Reservations ?? []).flatMap((one: Json) => one.Instances ?? []);
      const found = all.filter((one) => wanted.includes(one[field])).map((one) => ({ Instances: [one] }));
      return { members: { Reservations: found }, list: 'Reservations' };
    }
    case 'ec2:GetManagedPrefixListEntries':
      return keyed('get-managed-prefix-list-entries', input.PrefixListId, 'InvalidPrefixListID.NotFound', 'Entries');
    case 'ec2:DescribeManagedPrefixLists':
      return { members: { PrefixLists: files['describe-managed-prefix-lists']?.PrefixLists ?? [] } };
    case 'cloudfront:ListDistributions':
      return { members: files['cloudfront-list-distributions']?.DistributionList ?? { Quantity: 0 } };
    case 'cloudfront:GetDistributionConfig':
      return { members: files['cloudfront-get-distribution-config']?.DistributionConfig ?? {} };
    case 'cloudfront:ListVpcOrigins':
      return { members: files['cloudfront-list-vpc-origins']?.VpcOriginList ?? { Quantity: 0 } };
    case 'logs:DescribeDeliverySources':
      return { members: { deliverySources: files['logs-deliveries']?.deliverySources ?? [] } };
    case 'logs:DescribeDeliveries':
      return { members: { deliveries: files['logs-deliveries']?.deliveries ?? [] } };
    case 'logs:DescribeDeliveryDestinations':
      return { members: { deliveryDestinations: files['logs-deliveries']?.deliveryDestinations ?? [] } };
    case 'firehose:DescribeDeliveryStream':
      return { members: { DeliveryStreamDescription: files['firehose-describe-delivery-stream'] } };
    case 'cloudwatch:GetMetricData':
      return {
        members: { MetricDataResults: input.MetricDataQueries.map((query: Json) => resultOf(query, files)) },
        list: 'MetricDataResults',
      };
    case 'cloudtrail:LookupEvents': {
      const events: Json[] = (files['lookup-events']?.Events ?? [])
        .map((one: Json) => ({ ...one, EventTime: Date.parse(one.EventTime) / 1000 }))
        .filter((one: Json) => one.EventTime >= input.StartTime && one.EventTime <= input.EndTime);
      return { members: { Events: events.sort((a, b) => b.EventTime - a.EventTime) }, list: 'Events' };
    }
    case 'lambda:GetFunctionConfiguration':
      return keyed('get-function-configuration', input.FunctionName, 'ResourceNotFoundException');
    case 'lambda:GetAlias':
      return keyed('get-alias', `${input.FunctionName}:${input.Name}`, 'ResourceNotFoundException');
    case 'sts:GetCallerIdentity':
      return { members: { Account: '123456789012', Arn: 'arn:aws:iam::123456789012:user/ops', UserId: 'AIDAOPS' } };
    case 'sts:AssumeRole': {
      const accessKey = `ASIA${input.RoleArn.split(':')[4]}`;
      return {
        members: {
          Credentials: {
            AccessKeyId: accessKey,
            SecretAccessKey: 'secret',
            SessionToken: 'token',
            Expiration: '2100-01-01T00:00:00Z',
          },
        },
      };
    }
    default:
      return workloadsOf({ action, input }, files);
  }
}

/** Whose targets they are. Times are epoch seconds in JSON protocols. */
function workloadsOf({ action, input }: Pick<ReceivedCall, 'action' | 'input'>, files: Files): Page {
  const services: Json[] = files['ecs-describe-services']?.services ?? [];
  const tasks: Json[] = files['ecs-describe-tasks']?.tasks ?? [];
  const inCluster = (one: Json) => one.clusterArn === input.cluster;
  switch (action) {
    case 'elasticloadbalancing:DescribeTags': {
      const arns = listIn(input, 'ResourceArns');
      const known: Json[] = files['describe-tags']?.TagDescriptions ?? [];
      return { members: { TagDescriptions: known.filter((one) => arns.includes(one.ResourceArn)) } };
    }
    case 'ecs:ListClusters':
      return { members: { clusterArns: [...new Set([...services, ...tasks].map((one) => one.clusterArn))] } };
    case 'ecs:ListServices': {
      const all = services.filter(inCluster).map(({ serviceArn }) => serviceArn);
      const start = Number(input.nextToken ?? 0);
      const end = start + (input.maxResults ?? 10);
      return {
        members: { serviceArns: all.slice(start, end), ...(end < all.length ? { nextToken: `${end}` } : {}) },
      };
    }
    case 'ecs:DescribeServices':
      return {
        members: { services: epochs(services.filter((one) => input.services.includes(one.serviceArn))), failures: [] },
      };
    case 'ecs:ListTasks': {
      const isStopped = (one: Json) => one.lastStatus === 'STOPPED' || one.desiredStatus === 'STOPPED';
      const own = tasks.filter(
        (one) =>
          inCluster(one) &&
          isStopped(one) === (input.desiredStatus === 'STOPPED') &&
          (input.serviceName === undefined || one.group === `service:${input.serviceName}`),
      );
      const taskArns = own.map(({ taskArn }) => taskArn).slice(0, input.maxResults ?? 100);
      return { members: { taskArns, ...(taskArns.length < own.length ? { nextToken: 'more' } : {}) } };
    }
    case 'ecs:DescribeTasks':
      return { members: { tasks: epochs(tasks.filter((one) => input.tasks.includes(one.taskArn))), failures: [] } };
    case 'ecs:DescribeTaskDefinition': {
      const found = files['ecs-describe-task-definition']?.[input.taskDefinition];
      if (found === undefined) throw new AwsError('ClientException');
      return { members: epochs(found) };
    }
    case 'ecs:DescribeContainerInstances': {
      const all: Json[] = files['ecs-describe-container-instances']?.containerInstances ?? [];
      return {
        members: {
          containerInstances: all.filter((one) => input.containerInstances.includes(one.containerInstanceArn)),
        },
      };
    }
    case 'ecs:ListServiceDeployments': {
      const all: Json[] = files['ecs-describe-service-deployments']?.serviceDeployments ?? [];
      const own = all.filter(({ serviceArn }) => serviceArn === input.service);
      return {
        members: {
          serviceDeployments: epochs(
            own.map(({ serviceDeploymentArn, createdAt, targetServiceRevision }) => ({
              ...{ serviceDeploymentArn, createdAt, targetServiceRevisionArn: targetServiceRevision?.arn },
            })),
          ),
        },
      };
    }
    case 'ecs:DescribeServiceDeployments': {
      const all: Json[] = files['ecs-describe-service-deployments']?.serviceDeployments ?? [];
      const own = all.filter((one) => input.serviceDeploymentArns.includes(one.serviceDeploymentArn));
      return { members: { serviceDeployments: epochs(own), failures: [] } };
    }
    case 'ecs:DescribeServiceRevisions': {
      const all: Json[] = files['ecs-describe-service-revisions']?.serviceRevisions ?? [];
      const own = all.filter((one) => input.serviceRevisionArns.includes(one.serviceRevisionArn));
      return { members: { serviceRevisions: epochs(own), failures: [] } };
    }
    case 'autoscaling:DescribeLifecycleHooks':
      return { members: files['describe-lifecycle-hooks']?.[input.AutoScalingGroupName] ?? { LifecycleHooks: [] } };
    case 'autoscaling:DescribeScalingActivities':
      return { members: files['describe-scaling-activities']?.[input.AutoScalingGroupName] ?? { Activities: [] } };
    case 'codedeploy:ListDeployments': {
      const all: Json[] = files['batch-get-deployments']?.deploymentsInfo ?? [];
      return { members: { deployments: all.map(({ deploymentId }) => deploymentId) } };
    }
    case 'codedeploy:BatchGetDeployments': {
      const all: Json[] = files['batch-get-deployments']?.deploymentsInfo ?? [];
      return {
        members: { deploymentsInfo: epochs(all.filter((one) => input.deploymentIds.includes(one.deploymentId))) },
      };
    }
    default:
      throw new AwsError('InvalidAction');
  }
}

/** ISO 8601 text, as the AWS CLI prints times, as the services send them. */
function epochs(value: Json): Json {
  if (Array.isArray(value)) return value.map(epochs);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      typeof one === 'string' && /(?:At|Time)$/.test(key) ? Date.parse(one) / 1000 : epochs(one),
    ]),
  );
}

function resultOf({ Id, MetricStat }: Json, files: Files): Json {
  const { Metric, Stat, Period } = MetricStat;
  const dimensions = Object.fromEntries(Metric.Dimensions.map(({ Name, Value }: Json) => [Name, Value]));
  const same = (one: Json) =>
    one.MetricName === Metric.MetricName &&
    one.Stat === Stat &&
    one.Period === Period &&
    JSON.stringify(Object.entries(one.Dimensions).sort()) === JSON.stringify(Object.entries(dimensions).sort());
  const series = (files.metrics ?? []).find(same);
  return {
    Id,
    StatusCode: series?.StatusCode ?? 'Complete',
    Timestamps: (series?.Timestamps ?? []).map((time: string) => Date.parse(time) / 1000),
    Values: series?.Values ?? [],
  };
}

/** Services that answer in XML. */
const QUERIES = ['autoscaling', 'cloudfront', 'elasticloadbalancing', 'sts'];

const nameOf = ({ action }: ReceivedCall): string => action.split(':')[1] ?? '';
const serviceOf = ({ action }: ReceivedCall): string => action.split(':')[0] ?? '';

/** The outermost element, where it is not the list of distributions. */
const CLOUDFRONT_ANSWERS: Record<string, string> = {
  GetDistributionConfig: 'DistributionConfig',
  ListVpcOrigins: 'VpcOriginList',
};

function reply(response: ServerResponse, call: ReceivedCall, members: Json): void {
  const service = serviceOf(call);
  if (service === 'ec2') {
    response.setHeader('content-type', 'text/xml');
    response.end(`<${nameOf(call)}Response><requestId>r</requestId>${ec2Xml(members)}</${nameOf(call)}Response>`);
  } else if (service === 'cloudfront') {
    const list = CLOUDFRONT_ANSWERS[nameOf(call)] ?? 'DistributionList';
    response.setHeader('content-type', 'text/xml');
    response.end(`<${list}>${cloudFrontXml(members)}</${list}>`);
  } else if (QUERIES.includes(service)) {
    const result = `<${nameOf(call)}Result>${elasticLoadBalancingXml(members)}</${nameOf(call)}Result>`;
    response.setHeader('content-type', 'text/xml');
    response.end(`<${nameOf(call)}Response>${result}</${nameOf(call)}Response>`);
  } else {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(members));
  }
}

function fail(
  response: ServerResponse,
  call: ReceivedCall,
  { code, message = code, status = 400 }: { code: string; message?: string; status?: number },
): void {
  const service = serviceOf(call);
  const text = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${escapeXml(message)}</Message></Error>`;
  response.statusCode = status;
  if (service === 'ec2') response.end(`<Response><Errors>${text}</Errors><RequestID>r</RequestID></Response>`);
  else if (QUERIES.includes(service)) response.end(`<ErrorResponse>${text}<RequestId>r</RequestId></ErrorResponse>`);
  else {
    response.setHeader('x-amzn-errortype', code);
    response.end(JSON.stringify({ __type: code, message }));
  }
}
