/** Stacks of CloudFormation in moto: a template in, what was really made out. */
import { region } from '../support/simulator/names.ts';

/** A call of CloudFormation, which alb502 itself never makes: as a form, answered in XML. */
async function cloudFormation(endpoint: string, Action: string, input: Record<string, string>): Promise<string> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { Authorization: `AWS4-HMAC-SHA256 Credential=testing/20261120/${region}/cloudformation/aws4_request` },
    body: new URLSearchParams({ Action, Version: '2010-05-15', ...input }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${Action} failed: ${text}`);
  return text;
}

export interface Stack {
  /** What was made, by name in the template: type and physical ID. */
  resources: ReadonlyMap<string, { type: string; id: string }>;
  outputs: ReadonlyMap<string, string>;
}

/** Creates a stack. Throws what CloudFormation answers if it cannot be made. */
export async function createStack(
  endpoint: string,
  name: string,
  template: string,
  parameters: Record<string, string>,
): Promise<Stack> {
  const entries = Object.entries(parameters).flatMap(([key, value], index) => [
    [`Parameters.member.${index + 1}.ParameterKey`, key],
    [`Parameters.member.${index + 1}.ParameterValue`, value],
  ]);
  await cloudFormation(endpoint, 'CreateStack', {
    StackName: name,
    TemplateBody: template,
    'Capabilities.member.1': 'CAPABILITY_NAMED_IAM',
    ...Object.fromEntries(entries),
  });
  const described = await cloudFormation(endpoint, 'DescribeStackResources', { StackName: name });
  const resources = blocks(described, 'member').map((member): [string, { type: string; id: string }] => [
    element(member, 'LogicalResourceId'),
    { type: element(member, 'ResourceType'), id: element(member, 'PhysicalResourceId') },
  ]);
  const stack = await cloudFormation(endpoint, 'DescribeStacks', { StackName: name });
  const [outputs = ''] = blocks(stack, 'Outputs');
  return {
    // What moto leaves out has no name.
    resources: new Map(resources.filter(([resource]) => resource !== '')),
    outputs: new Map(
      blocks(outputs, 'member').map((output) => [element(output, 'OutputKey'), element(output, 'OutputValue')]),
    ),
  };
}

const blocks = (xml: string, name: string): string[] =>
  [...xml.matchAll(new RegExp(`<${name}>([\\s\\S]*?)</${name}>`, 'g'))].map(([, inside = '']) => inside);

const element = (xml: string, name: string): string => blocks(xml, name)[0]?.trim() ?? '';
